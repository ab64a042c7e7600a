use super::*;

fn read<T: Body>(body: &str) -> T {
    json::read(T::TYPE.name(), body.as_bytes()).unwrap()
}

fn write(message: impl Into<Message>) -> String {
    let mut out = BytesMut::new();
    message.into().to_json(&mut out, usize::MAX).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn zero_values_are_left_out_but_structs_are_not() {
    assert_eq!(write(Login::default()), r#"{"client_spec":{}}"#);
    assert_eq!(write(NatHoleResp::default()), r#"{"detect_behavior":{}}"#);
    for message in [
        NewProxy::default().into(),
        ReqWorkConn {}.into(),
        StartWorkConn::default().into(),
        UdpPacket::default().into(),
        Message::from(NatHoleVisitor::default()),
    ] {
        assert_eq!(write(message), "{}");
    }
}

#[test]
fn null_is_the_zero_value_everywhere() {
    for kind in MessageType::ALL {
        let zero = Message::from_json(*kind, b"{}").unwrap();
        assert_eq!(Message::from_json(*kind, b"null"), Ok(zero.clone()));
        assert_eq!(zero.kind(), *kind);
    }
    let nulls = |keys: &[&str]| {
        let pairs: Vec<_> = keys.iter().map(|key| format!("\"{key}\":null")).collect();
        format!("{{{}}}", pairs.join(","))
    };
    use super::object::Object;
    assert_eq!(read::<Login>(&nulls(Login::KEYS)), Login::default());
    assert_eq!(
        read::<NewProxy>(&nulls(NewProxy::KEYS)),
        NewProxy::default()
    );
    assert_eq!(
        read::<StartWorkConn>(&nulls(StartWorkConn::KEYS)),
        StartWorkConn::default()
    );
    assert_eq!(
        read::<UdpPacket>(&nulls(UdpPacket::KEYS)),
        UdpPacket::default()
    );
    assert_eq!(
        read::<NatHoleResp>(&nulls(NatHoleResp::KEYS)),
        NatHoleResp::default()
    );
    let lists = read::<NewProxy>(r#"{"locations":["/",null],"metas":{"a":null}}"#);
    assert_eq!(lists.locations, ["/", ""]);
    assert_eq!(lists.metas.get("a").map(String::as_str), Some(""));
    let addr = read::<UdpPacket>(r#"{"r":{"IP":null,"Port":null,"Zone":null}}"#);
    assert_eq!(addr.r, Some(UdpAddr::default()));
    let ports = read::<NatHoleResp>(r#"{"detect_behavior":{"candidate_ports":[null,{"to":2}]}}"#);
    assert_eq!(
        ports.detect_behavior.candidate_ports,
        [PortRange::default(), PortRange { from: 0, to: 2 }]
    );
}

#[test]
fn keys_are_found_in_any_case_unknown_ones_ignored_and_the_last_wins() {
    let login = read::<Login>(
        r#"{"VERSION":"1","Run_ID":"a","run_id":"b","later":{"x":[1,{}]},"client_spec":{"Type":"t"}}"#,
    );
    assert_eq!((login.version.as_str(), login.run_id.as_str()), ("1", "b"));
    assert_eq!(login.client_spec.kind, "t");
    let escaped = read::<Pong>("{\"\\u0065rror\":\"e\"}");
    assert_eq!(escaped.error, "e");
}

#[test]
fn text_is_escaped_as_go_does() {
    let error =
        "<a>&\u{2028}\u{2029}\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}é€\u{2027}\u{1f600}".to_owned();
    let expected = concat!(
        r#"{"error":"\u003ca\u003e\u0026\u2028\u2029\"\\/\b\f\n\r\t\u0001"#,
        "\u{7f}é€\u{2027}\u{1f600}\"}",
    );
    let written = write(Pong {
        error: error.clone(),
    });
    assert_eq!(written, expected);
    assert_eq!(read::<Pong>(&written).error, error);
    assert_eq!(
        write(Pong {
            error: "&".to_owned()
        }),
        r#"{"error":"\u0026"}"#
    );
}

#[test]
fn maps_are_written_in_the_order_of_their_keys() {
    let proxy = read::<NewProxy>(r#"{"metas":{"b":"2","a":"1","C":"3"}}"#);
    assert_eq!(write(proxy), r#"{"metas":{"C":"3","a":"1","b":"2"}}"#);
}

#[test]
fn debug_hides_secrets() {
    let secret = || "hunter2".to_owned();
    let metas = || [("token".to_owned(), secret())].into();
    let messages: [Message; 6] = [
        Login {
            privilege_key: secret(),
            metas: metas(),
            ..Default::default()
        }
        .into(),
        NewProxy {
            sk: secret(),
            http_pwd: secret(),
            group_key: secret(),
            metas: metas(),
            headers: metas(),
            ..Default::default()
        }
        .into(),
        NewWorkConn {
            privilege_key: secret(),
            ..Default::default()
        }
        .into(),
        Ping {
            privilege_key: secret(),
            ..Default::default()
        }
        .into(),
        NewVisitorConn {
            sign_key: secret(),
            ..Default::default()
        }
        .into(),
        NatHoleVisitor {
            sign_key: secret(),
            ..Default::default()
        }
        .into(),
    ];
    for message in messages {
        let shown = format!("{message:?} {message:#?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("hidden"), "{shown}");
    }
    let packet = UdpPacket {
        c: b"hunter2"[..].into(),
        ..Default::default()
    };
    assert!(!format!("{packet:?}").contains("hunter2"));
}

#[test]
fn type_bytes_are_each_others_inverse() {
    for kind in MessageType::ALL {
        assert_eq!(MessageType::from_v1(kind.v1()), Some(*kind));
    }
    let bytes: Vec<u8> = MessageType::ALL.iter().map(|kind| kind.v1()).collect();
    assert_eq!(bytes, b"o1p2cwrsv3h4uinm56");
}

#[test]
fn the_short_way_of_datagrams_gives_the_same_bytes() {
    let addr = || {
        Some(UdpAddr {
            port: 7,
            zone: "<é>".to_owned(),
            ..Default::default()
        })
    };
    for length in [0, 1, 2, 3, 1_000] {
        for (l, r) in [
            (None, None),
            (addr(), None),
            (None, addr()),
            (addr(), addr()),
        ] {
            let packet = UdpPacket {
                c: vec![251; length].into(),
                l,
                r,
            };
            let mut long = BytesMut::new();
            json::write("UdpPacket", &packet, &mut long, usize::MAX).unwrap();
            assert_eq!(write(packet.clone()), str::from_utf8(&long).unwrap());
            let limited =
                |limit| Message::from(packet.clone()).to_json(&mut BytesMut::new(), limit);
            limited(long.len()).unwrap();
            limited(long.len() - 1).unwrap_err();
        }
    }
}

#[test]
fn messages_in_queues_are_small() {
    assert!(size_of::<Message>() <= 160, "{}", size_of::<Message>());
}
