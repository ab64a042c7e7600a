//! The flags that take the place of a configuration file (upstream: pkg/config/flags.go).

use std::fmt;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};
use culvert_program::{Flag, Takes, keys, log_flags};
use toml::Table;

use Takes::{Nothing, Number, Ports, Secret, Switch, Text};

/// Every flag. Defaults are written out where upstream's flags have others than its files.
pub(crate) const FLAGS: [Flag; 25] = [
    Flag::new(
        "bind-addr",
        "bindAddr",
        Text("0.0.0.0"),
        "The address where clients connect to",
    ),
    Flag::new(
        "bind-port",
        "bindPort",
        Number("7000"),
        "The port where clients connect to",
    )
    .or('p'),
    Flag::new(
        "kcp-bind-port",
        "kcpBindPort",
        Number("0"),
        "The UDP port for clients that use KCP; 0 = none",
    ),
    Flag::new(
        "quic-bind-port",
        "quicBindPort",
        Number("0"),
        "The UDP port for clients that use QUIC; 0 = none",
    ),
    Flag::new(
        "proxy-bind-addr",
        "proxyBindAddr",
        Text("0.0.0.0"),
        "The address where published ports are opened",
    ),
    Flag::new(
        "vhost-http-port",
        "vhostHTTPPort",
        Number("0"),
        "The port of http proxies; 0 = none",
    ),
    Flag::new(
        "vhost-https-port",
        "vhostHTTPSPort",
        Number("0"),
        "The port of https proxies; 0 = none",
    ),
    Flag::new(
        "vhost-http-timeout",
        "vhostHTTPTimeout",
        Number("60"),
        "Seconds that a web site may take before it answers",
    ),
    Flag::new(
        "dashboard-addr",
        "webServer.addr",
        Text("0.0.0.0"),
        "The address of the dashboard",
    ),
    Flag::new(
        "dashboard-port",
        "webServer.port",
        Number("0"),
        "The port of the dashboard; 0 = none",
    ),
    Flag::new(
        "dashboard-user",
        "webServer.user",
        Text("admin"),
        "The user of the dashboard",
    ),
    Flag::new(
        "dashboard-pwd",
        "webServer.password",
        Secret("admin"),
        "The password of the dashboard; set your own",
    ),
    Flag::new(
        "dashboard-tls-mode",
        "",
        Nothing,
        "Without effect, as in frp: use a file with webServer.tls for a dashboard with TLS",
    ),
    Flag::new(
        "dashboard-tls-cert-file",
        "",
        Nothing,
        "Without effect, see --dashboard-tls-mode",
    ),
    Flag::new(
        "dashboard-tls-key-file",
        "",
        Nothing,
        "Without effect, see --dashboard-tls-mode",
    ),
    Flag::new(
        "enable-prometheus",
        "enablePrometheus",
        Switch(false),
        "Serve /metrics at the dashboard",
    ),
    log_flags::FILE,
    log_flags::LEVEL,
    log_flags::MAX_DAYS,
    log_flags::NO_COLOR,
    Flag::new(
        "token",
        "auth.token",
        Secret(""),
        "The secret that clients must know",
    )
    .or('t'),
    Flag::new(
        "subdomain-host",
        "subDomainHost",
        Text(""),
        "The domain under which http and https proxies may have a name",
    ),
    Flag::new(
        "allow-ports",
        "allowPorts",
        Ports,
        "The ports that clients may ask for, such as 1000-2000,3000; default all",
    ),
    Flag::new(
        "max-ports-per-client",
        "maxPortsPerClient",
        Number("0"),
        "Ports that one client may hold; 0 = any number",
    ),
    Flag::new(
        "tls-only",
        "transport.tls.force",
        Switch(false),
        "Refuse clients without TLS",
    ),
];

/// The configuration that the flags say; it may hold secrets and is not shown.
#[derive(Clone)]
pub(crate) struct Keys(pub(crate) Table);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl FromArgMatches for Keys {
    fn from_arg_matches(given: &ArgMatches) -> Result<Self, Error> {
        Ok(Self(keys(&FLAGS, given)))
    }

    fn update_from_arg_matches(&mut self, given: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(given)?;
        Ok(())
    }
}

impl Args for Keys {
    fn augment_args(command: Command) -> Command {
        let heading = "In place of a configuration file";
        let args = FLAGS.iter().map(|flag| flag.arg().global(true));
        command.args(args.map(|arg| arg.help_heading(heading)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::Cli;

    #[test]
    fn what_the_flags_say_is_not_shown() {
        let given = ["frps", "-t", "S3CR3T", "--dashboard_pwd=S3CR3T"];
        let given = given.map(|word| word.replace('_', "-"));
        let shown = format!("{:?}", Cli::try_parse_from(given).unwrap());
        assert!(
            shown.contains("Keys(..)") && !shown.contains("S3CR3T"),
            "{shown}"
        );
        let command = Cli::command();
        let mut flags = command.get_arguments();
        let password = flags.find(|flag| flag.get_long() == Some("dashboard-pwd"));
        assert!(password.unwrap().is_hide_default_value_set());
    }
}
