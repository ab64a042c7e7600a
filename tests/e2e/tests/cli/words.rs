//! Command lines that end at once: our words and exit code, and those of real frp where
//! `FRP_PEER_FRPS` and `FRP_PEER_FRPC` name it.

use culvert_e2e::SOON;
use culvert_kit::{Peer, Result, Role, TempDir, run};

/// A command line, its exit code, and what both programs say.
type Case<'a> = (&'a [&'a str], i32, &'a [&'a str]);

/// Asks ours, and the real one where there is one: each line of `words` is said by both.
async fn compare(role: Role, cases: &[Case<'_>]) -> Result {
    for peer in [Peer::Ours, Peer::Real] {
        let Some(binary) = peer.binary(role).await? else {
            continue;
        };
        for (args, code, words) in cases {
            let done = run(role.name(), &binary, args, SOON).await?;
            assert_eq!(done.code, Some(*code), "{peer:?} {args:?}: {}", done.text);
            for word in *words {
                assert!(
                    done.text.contains(word),
                    "{peer:?} {args:?}: {word:?} is not in: {}",
                    done.text
                );
            }
        }
    }
    Ok(())
}

/// Command lines of frps.
const FRPS: [Case<'static>; 16] = [
    (
        &["-p", "70000"],
        1,
        &[
            "bindPort: port number 70000",
            "port number 70000 must be in the range 0..65535",
        ],
    ),
    (
        &["--bind_port=70000"],
        1,
        &["port number 70000 must be in the range 0..65535"],
    ),
    (
        &["--kcp-bind-port", "70000", "--vhost_http_port", "-1"],
        1,
        &[
            "kcpBindPort: ",
            "port number 70000 must be in the range 0..65535",
            "vhostHTTPPort: port number -1 must",
        ],
    ),
    (
        &["--log-level", "xx"],
        1,
        &["invalid log level, optional values are [trace debug info warn error]"],
    ),
    (
        &["-p", "70000", "-p", "abc"],
        1,
        &["Error: invalid argument \"abc\""],
    ),
    (
        &["-p", "abc"],
        1,
        &["Error: invalid argument \"abc\" for \"-p, --bind-port\" flag: "],
    ),
    (
        &["--allow-ports", "9-5"],
        1,
        &["for \"--allow-ports\" flag: range number is invalid"],
    ),
    (
        &["--tls-only=maybe"],
        1,
        &["invalid argument \"maybe\" for \"--tls-only\" flag: "],
    ),
    (
        &["--dashboard-tls-mode", "true", "-p", "70000"],
        1,
        &["port number 70000 must be in the range 0..65535"],
    ),
    (
        &["--dashboard-tls-mode"],
        1,
        &["Error: flag needs an argument: --dashboard-tls-mode"],
    ),
    (&["--nosuch"], 1, &["Error: unknown flag: --nosuch"]),
    (&["-Z"], 1, &["Error: unknown shorthand flag: 'Z' in -Z"]),
    (
        &["foo"],
        1,
        &[
            "Error: unknown command \"foo\" for \"frps\"",
            "Run 'frps --help' for usage.",
        ],
    ),
    (
        &["verify"],
        0,
        &["frps: the configuration file is not specified"],
    ),
    (
        &["verify", "-v", "more"],
        0,
        &["frps: the configuration file is not specified"],
    ),
    (
        &["-c", "/no/such/file"],
        1,
        &["open /no/such/file: no such file or directory"],
    ),
];

#[tokio::test]
async fn frps_flags_are_checked_as_a_file_is() -> Result {
    compare(Role::Frps, &FRPS).await
}

/// Command lines of frpc.
const FRPC: [Case<'static>; 24] = [
    (&["tcp"], 1, &["name should not be empty"]),
    (&["tcp", "-v", "more"], 1, &["name should not be empty"]),
    (
        &["tcp", "-n", "x", "-p", "foo"],
        1,
        &["invalid transport.protocol, optional values are [tcp kcp quic websocket wss]"],
    ),
    (
        &["udp", "-nx", "-l70000"],
        1,
        &["localPort: port number 70000 must be in the range"],
    ),
    (
        &["http", "-n", "x"],
        1,
        &["subdomain and custom domains should not be both empty"],
    ),
    (
        &["https", "-n", "x"],
        1,
        &["subdomain and custom domains should not be both empty"],
    ),
    (
        &["tcpmux", "-n", "x"],
        1,
        &["subdomain and custom domains should not be both empty"],
    ),
    (
        &["tcpmux", "-n", "x", "-d", "a.b", "--mux", "foo"],
        1,
        &["not support multiplexer: foo"],
    ),
    (
        &["tcp", "-n", "x", "--bandwidth-limit", "5"],
        1,
        &["unit not support"],
    ),
    (
        &["tcp", "-n", "x", "--bandwidth_limit_mode", "zz"],
        1,
        &["bandwidth limit mode should be client or server"],
    ),
    (
        &["tcp", "-n", "x", "--metadatas", "a"],
        1,
        &["must be formatted as key=value"],
    ),
    (
        &["tcp", "-n", "x", "--annotations", "x y=1"],
        1,
        &["annotation key x y is invalid: "],
    ),
    (&["stcp", "visitor"], 1, &["name is required"]),
    (
        &["sudp", "visitor", "-n", "x"],
        1,
        &["server name is required"],
    ),
    (
        &[
            "xtcp",
            "-s",
            "127.0.0.1",
            "visitor",
            "-n",
            "x",
            "--server-name",
            "y",
        ],
        1,
        &["bind port is required"],
    ),
    (
        &[
            "tcp",
            "-n",
            "x",
            "-P",
            "1",
            "--tls_enable=false",
            "--disable-log-color",
        ],
        1,
        &["login to the server failed: ", "With loginFailExit enabled"],
    ),
    (
        &["visitor"],
        1,
        &["Error: unknown command \"visitor\" for \"frpc\""],
    ),
    (
        &["tc"],
        1,
        &["unknown command \"tc\"", "Did you mean this?", "tcp"],
    ),
    (&["nathole"], 0, &["discover"]),
    (
        &["nathole", "discover", "--nat_hole_stun_server", "bad"],
        1,
        &["discover error: "],
    ),
    (
        &["--strict_config=F", "verify", "-c", "/no/file"],
        1,
        &["open /no/file: no such file or directory"],
    ),
    (
        &["verify", "-c", ""],
        0,
        &["frpc: the configuration file is not specified"],
    ),
    (
        &["status"],
        1,
        &["open ./frpc.ini: no such file or directory"],
    ),
    (
        &["stop", "--api-timeout", "xyz"],
        1,
        &["invalid argument \"xyz\" for \"--api-timeout\" flag: "],
    ),
];

#[tokio::test]
async fn frpc_flags_are_checked_as_a_file_is() -> Result {
    compare(Role::Frpc, &FRPC).await
}

#[tokio::test]
async fn help_and_completion_know_every_command_and_flag() -> Result {
    let common = [
        "--server-addr",
        "--server-port",
        "--protocol",
        "--token",
        "--tls-enable",
    ];
    let proxy = [
        "--proxy-name",
        "--local-ip",
        "--ue",
        "--bandwidth-limit",
        "--annotations",
    ];
    let of_type: [(&str, &[&str]); 8] = [
        ("tcp", &["--remote-port"]),
        ("udp", &["--remote-port"]),
        (
            "http",
            &["--custom-domain", "--sd", "--locations", "--http-pwd"],
        ),
        ("https", &["--custom-domain", "--sd"]),
        ("tcpmux", &["--mux", "--http-user"]),
        ("stcp", &["--sk", "--allow-users"]),
        ("sudp", &["--sk", "--allow-users"]),
        ("xtcp", &["--sk", "--allow-users"]),
    ];
    for (kind, own) in of_type {
        let words: Vec<_> = common.iter().chain(&proxy).chain(own).copied().collect();
        compare(Role::Frpc, &[(&[kind, "--help"], 0, &words)]).await?;
    }
    let visitor = [
        "--visitor-name",
        "--server-name",
        "--server-user",
        "--bind-port",
        "--user",
    ];
    let commands = [
        "tcp",
        "xtcp",
        "verify",
        "reload",
        "status",
        "stop",
        "nathole",
        "completion",
    ];
    let flags = [
        "--config",
        "--config-dir",
        "--strict-config",
        "--allow-unsafe",
        "--version",
    ];
    let cases: [Case<'_>; 9] = [
        (&["stcp", "visitor", "--help"], 0, &visitor),
        (&["--help"], 0, &commands),
        (&["help"], 0, &flags),
        (&["help", "tcp"], 0, &proxy),
        (&["completion"], 0, &["bash", "zsh", "fish", "powershell"]),
        (&["completion", "bash"], 0, &["frpc"]),
        (&["completion", "zsh"], 0, &["frpc"]),
        (&["completion", "fish"], 0, &["frpc"]),
        (&["completion", "powershell"], 0, &["frpc"]),
    ];
    compare(Role::Frpc, &cases).await
}

#[tokio::test]
async fn verify_tells_all_that_is_wrong_and_what_can_do_harm() -> Result {
    let dir = TempDir::new()?;
    let text = "bindPrt = 1\nlog.level = \"inof\"\nkcpBindPort = 70000\nauth.token = 12345\n";
    let bad = dir.write("bad.toml", text)?;
    let good = dir.write("good.toml", "bindPort = 7000\n")?;
    let (bad, good) = (bad.to_string_lossy(), good.to_string_lossy());
    let Some(binary) = Peer::Ours.binary(Role::Frps).await? else {
        return Ok(());
    };
    let ask = async |args: &[&str]| run("frps", &binary, args, SOON).await;
    let done = ask(&["verify", "-c", &bad]).await?;
    assert_eq!(done.code, Some(1));
    for word in [
        "bad.toml:1: unknown field \"bindPrt\"",
        "did you mean \"bindPort\"?",
        "bad.toml:2: invalid log level",
        "did you mean \"info\"?",
        "bad.toml:3: kcpBindPort: port number 70000",
        "bad.toml:4: field \"auth.token\": cannot unmarshal number into string",
    ] {
        assert!(done.text.contains(word), "no {word:?} in {}", done.text);
    }
    assert!(!done.text.contains("12345"), "{}", done.text);
    let done = ask(&["verify", "--json", "-c", &bad]).await?;
    assert_eq!(done.code, Some(1));
    for word in [
        "\"ok\":false",
        "\"line\":3",
        "\"key\":\"kcpBindPort\"",
        "\"found\":\"70000\"",
    ] {
        assert!(done.text.contains(word), "no {word:?} in {}", done.text);
    }
    let done = ask(&["verify", "-c", &good]).await?;
    assert_eq!(done.code, Some(0));
    assert!(done.text.contains("good.toml syntax is ok"));
    assert!(done.text.contains("WARNING: auth.token is not set"));
    let done = ask(&["verify", "--json", "-c", &good]).await?;
    assert!(done.text.contains("\"risks\":[{"), "{}", done.text);
    Ok(())
}
