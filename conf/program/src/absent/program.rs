//! In place of programs that write values, in builds without `exec`: their keys are refused.

use std::io;

use culvert_conf::Secret;

use super::SourceError;

pub(super) async fn output(
    command: &str,
    _args: &[String],
    _env: &[(String, Secret)],
) -> Result<Vec<u8>, SourceError> {
    std::future::ready(Err(SourceError::Command {
        command: command.to_owned(),
        source: io::ErrorKind::Unsupported.into(),
    }))
    .await
}
