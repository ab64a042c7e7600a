use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The challenge of MS-NLMP 4.2.4: domain and server as target information.
fn challenge(flags: u32, info: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend(field(0, 56));
    bytes.extend(flags.to_le_bytes());
    bytes.extend(hex("0123456789abcdef"));
    bytes.extend([0; 8]);
    bytes.extend(field(u16::try_from(info.len()).unwrap(), 56));
    bytes.extend([0; 8]);
    bytes.extend(info);
    bytes
}

const INFO: &str = "02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000";

fn user(name: &str) -> Credentials {
    Credentials {
        user: name.to_owned(),
        password: "Password".to_owned(),
    }
}

fn part(message: &[u8], field: usize) -> &[u8] {
    let at = 12 + field * 8;
    let len = usize::from(u16::from_le_bytes(array(message, at).unwrap()));
    let offset = u32::from_le_bytes(array(message, at + 4).unwrap());
    &message[usize::try_from(offset).unwrap()..][..len]
}

#[test]
fn the_vectors_of_the_specification() {
    // MS-NLMP 4.2.4.1.1
    let expected = hex("0c868a403bfd7a93a3001ef22ef02e3f");
    assert_eq!(key("Password", "User", "Domain").to_vec(), expected);
    // MS-NLMP 4.2.4.2.2, with time 0 and 0xaa as the client's random bytes
    let bytes = challenge(WANTED, &hex(INFO));
    let message =
        Challenge::parse(&bytes)
            .unwrap()
            .authenticate(&user("Domain\\User"), [0xaa; 8], 0);
    let proof = hex("68cd0ab851e51c96aabc927bebef6a1c");
    assert_eq!(&part(&message, 1)[..16], proof);
    assert_eq!(part(&message, 2), utf16("Domain"));
    assert_eq!(part(&message, 3), utf16("User"));
    assert!(part(&message, 0).is_empty());
    // MS-NLMP 4.2.4.2.1, for a server without target information
    let bytes = challenge(WANTED & !TARGET_INFO, &[]);
    let message =
        Challenge::parse(&bytes)
            .unwrap()
            .authenticate(&user("Domain\\User"), [0xaa; 8], 0);
    let lm = hex("86c35097ac9cec102554764a57cccc19 aaaaaaaaaaaaaaaa");
    assert_eq!(part(&message, 0), lm);
}

#[test]
fn the_proxys_time_is_used() {
    let info = [&hex("0700 0800 0102030405060708")[..], &[0; 4]].concat();
    let challenge = Challenge::parse(&challenge(WANTED, &info)).unwrap();
    assert_eq!(challenge.time, Some(0x0807_0605_0403_0201));
    let message = challenge.authenticate(&user("u"), [0; 8], 0);
    assert_eq!(part(&message, 1)[24..32], hex("0102030405060708"));
    assert!(part(&message, 2).is_empty());
}

#[test]
fn our_first_message_asks_for_what_upstream_asks() {
    let message = negotiate();
    assert_eq!(message.len(), 40);
    assert_eq!(message[12..16], 0xa088_8201_u32.to_le_bytes());
}

#[test]
fn challenges_that_cannot_be_answered() {
    let good = challenge(WANTED, &hex(INFO));
    for cut in 0..good.len() {
        assert!(Challenge::parse(&good[..cut]).is_err(), "{cut}");
    }
    for flags in [WANTED | LM_KEY, WANTED | KEY_EXCHANGE, WANTED & !UNICODE] {
        let parsed = Challenge::parse(&challenge(flags, &[]));
        assert!(matches!(parsed, Err(NtlmError::Unsupported(_))));
    }
    let mut wrong = good.clone();
    wrong[8] = 3;
    assert!(Challenge::parse(&wrong).is_err());
    let mut far = good;
    far[44..48].fill(0xff);
    assert!(Challenge::parse(&far).is_err());
}
