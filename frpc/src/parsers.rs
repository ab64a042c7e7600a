//! What this program reads of strangers, as functions of bytes: doors for the fuzz targets, and for
//! nobody else.

/// The configuration that the words of a command line give, the program's name first; `false` if
/// they give none.
///
/// # Errors
/// What is wrong with them, or the help that they ask for.
#[cfg(feature = "flags")]
pub fn command_line(words: &[&str]) -> Result<bool, String> {
    use crate::cli::{Cli, Command};
    use clap::{CommandFactory as _, Parser as _};
    use culvert_program::complaint;

    let cli = Cli::try_parse_from(words).map_err(|err| complaint(&Cli::command(), &err))?;
    let Some(Command::Single(single)) = &cli.command else {
        return Ok(false);
    };
    let checked = single.check(cli.options.reading(&[]));
    checked.map(|_| true).map_err(|err| err.0)
}

/// What is shown of the answer of a running frpc to `status`: of its proxies, and of its servers.
#[cfg(feature = "dashboard")]
#[must_use]
pub fn status(answer: &[u8]) -> [Option<String>; 2] {
    use crate::ask::{proxy_tables, server_table};
    [proxy_tables(answer).ok(), server_table(answer).ok()]
}

/// How long a token lasts by the answer of the provider that was asked for it, if that is said.
///
/// # Errors
/// Why there is no token.
#[cfg(feature = "oidc")]
pub fn token_answer(
    status: http::StatusCode,
    body: &[u8],
) -> Result<Option<std::time::Duration>, crate::GrantError> {
    crate::auth::Grant::read(status, body).map(|grant| grant.lasts)
}

/// What `doctor` makes of the answer of a port to a request for a web page, as text, and whether it
/// waits for no more of it.
#[cfg(feature = "tools")]
#[must_use]
pub fn greeting(bytes: &[u8]) -> (String, bool) {
    use crate::doctor::Greeting;
    (
        format!("{:?}", Greeting::read(bytes)),
        Greeting::is_whole(bytes),
    )
}
