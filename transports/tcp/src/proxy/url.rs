//! The address of a proxy, taken apart.

use culvert_transport::Target;

use super::{Credentials, Scheme};

/// What an address says.
#[derive(PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) scheme: Scheme,
    pub(super) target: Target,
    pub(super) credentials: Option<Credentials>,
}

/// Takes an address apart; the error is a text without any part of the address.
pub(super) fn parse(url: &str) -> Result<Parts, &'static str> {
    let (scheme, rest) = url.trim().split_once("://").ok_or("it has no scheme")?;
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Scheme::Http, 80),
        "https" => (Scheme::Https, 443),
        "socks5" => (Scheme::Socks5, 1080),
        "ntlm" => (Scheme::Ntlm, 80),
        _ => return Err("the scheme must be http, https, socks5 or ntlm"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user_info, host_port) = match authority.rsplit_once('@') {
        Some((user_info, host_port)) => (Some(user_info), host_port),
        None => (None, authority),
    };
    let (host, port) = split_port(host_port)?;
    if host.is_empty() {
        return Err("it has no host");
    }
    let port = match port {
        None | Some("") => default_port,
        Some(port) => port.parse().map_err(|_bad| "the port is no number")?,
    };
    let credentials = user_info.map(credentials).transpose()?;
    Ok(Parts {
        scheme,
        target: Target::new(host, port),
        credentials,
    })
}

fn split_port(host_port: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = host_port.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("a bracket is not closed")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("there is something between the bracket and the port"),
        };
    }
    match host_port.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("an IPv6 address needs brackets"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((host_port, None)),
    }
}

fn credentials(user_info: &str) -> Result<Credentials, &'static str> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    Ok(Credentials {
        user: percent_decoded(user)?,
        password: percent_decoded(password)?,
    })
}

/// RFC 3986, section 2.1.
fn percent_decoded(text: &str) -> Result<String, &'static str> {
    const BAD: &str = "user or password have a % that is not followed by two hex digits";
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        rest = more;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let Some((&[high, low], more)) = more.split_first_chunk::<2>() else {
            return Err(BAD);
        };
        let digit = |b: u8| char::from(b).to_digit(16);
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(BAD);
        };
        out.push(u8::try_from(high * 16 + low).map_err(|_never| BAD)?);
        rest = more;
    }
    String::from_utf8(out).map_err(|_bad| "user or password are not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (&'static str, String, Option<(String, String)>) {
        let Ok(parts) = parse(url) else {
            panic!("{url}");
        };
        let credentials = parts.credentials.map(|c| (c.user, c.password));
        (parts.scheme.name(), parts.target.to_string(), credentials)
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn addresses() {
        let plain = |s, t: &str| (s, t.to_owned(), None);
        assert_eq!(parts("http://p:3128"), plain("http", "p:3128"));
        assert_eq!(parts("http://p"), plain("http", "p:80"));
        assert_eq!(parts("HTTPS://p/"), plain("https", "p:443"));
        assert_eq!(parts("socks5://[::1]"), plain("socks5", "[::1]:1080"));
        assert_eq!(parts("ntlm://[::1]:8/x?y"), plain("ntlm", "[::1]:8"));
        assert_eq!(parts("http://u@p").2, pair("u", ""));
        assert_eq!(parts("http://u:a:b@p").2, pair("u", "a:b"));
        assert_eq!(parts("http://d%5Cu:p%40%25w@p").2, pair("d\\u", "p@%w"));
        assert_eq!(parts("http://u:p@w@p:1").1, "p:1");
    }

    #[test]
    fn what_is_no_address() {
        for url in [
            "",
            "p:3128",
            "ftp://p",
            "http://",
            "http://u:p@",
            "http://p:port",
            "http://p:99999",
            "http://[::1",
            "http://[::1]8",
            "http://::1",
            "http://u:%zz@p",
            "http://u:%4@p",
            "http://u:%ff@p",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
