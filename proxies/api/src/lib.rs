//! What a proxy kind implements at each end, and the order of layers on a work connection.
