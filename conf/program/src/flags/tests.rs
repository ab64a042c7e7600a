use clap::Command;
use toml::Table;

use super::{Flag, Takes, keys, refused};

const FLAGS: [Flag; 6] = [
    Flag::new("bind-port", "bindPort", Takes::Number("7000"), "").or('p'),
    Flag::new("token", "auth.token", Takes::Secret(""), "").or('t'),
    Flag::new("tls-only", "transport.tls.force", Takes::Switch(false), ""),
    Flag::new("locations", "locations", Takes::List, ""),
    Flag::new("metadatas", "metadatas", Takes::Pairs, ""),
    Flag::new("allow-ports", "allowPorts", Takes::Ports, ""),
];

fn given(arguments: &[&str]) -> Table {
    let command = Command::new("test")
        .args_override_self(true)
        .args(FLAGS.iter().map(Flag::arg));
    let all = ["test"].iter().chain(arguments);
    keys(&FLAGS, &command.try_get_matches_from(all).unwrap())
}

#[test]
fn flags_become_keys_and_those_not_given_their_defaults() {
    let wanted: Table = "bindPort = 7000\ntransport.tls.force = false"
        .parse()
        .unwrap();
    assert_eq!(given(&[]), wanted);
    let wanted = "bindPort = -1\nauth.token = \"-x\"\ntransport.tls.force = true\n\
                  locations = [\"/a\", \"/b\", \"/c\"]\nmetadatas = { a = \"1\", b = \"2\" }\n\
                  allowPorts = [{ start = 1, end = 2 }, { start = 5, end = 5 }]\n";
    let all = [
        "-p",
        "5",
        "-p",
        "-1",
        "-t",
        "-x",
        "--tls-only",
        "--locations",
        "/a,/b",
        "--locations=/c",
        "--metadatas",
        "a=1,b=2",
        "--allow-ports",
        "1-2,5",
    ];
    assert_eq!(given(&all), wanted.parse().unwrap());
}

#[test]
fn what_is_wrong_is_said_of_the_flag() {
    let strict = culvert_conf::Strictness::Strict;
    let fault = culvert_conf::check_server(given(&["-p", "70000"]), strict).unwrap_err();
    let said = refused(fault, &[("", &FLAGS)]).0;
    let wanted = "bindPort: port number 70000 must be in the range 0..65535; change --bind-port";
    assert!(said.contains(wanted), "{said}");
}
