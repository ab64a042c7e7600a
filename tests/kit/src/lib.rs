//! What tests share: mock services, process runner, streams in memory.
