//! The command of an SSH client: a proxy written in flags (protocol 8.2).

use clap::Command;
use culvert_conf::{ClientConfig, Strictness};
use culvert_program::{Flag, complaint, keys, proxy_flags, refused, unused_words};
use culvert_wire::{
    RELEASE, RunId, Token,
    msg::{ClientSpec, Login, NewProxy},
};
use toml::{Table, Value};

/// The types that the gateway takes, in the order of upstream's error text.
const KINDS: [&str; 5] = ["tcp", "http", "https", "tcpmux", "stcp"];

/// What the command line looks like.
const USAGE: &str = "ssh v0@{address} [command] [flags]";

/// What a client wants.
#[derive(Debug)]
pub(crate) struct Wish {
    user: String,
    client_id: String,
    token: Token,
    /// The name without the user's prefix.
    pub(super) name: String,
    kind: String,
    ask: NewProxy,
}

/// Why there is nothing to open, as the client is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// What it asked for: the help.
    Help(String),
    /// What is wrong.
    Wrong(String),
}

impl Wish {
    /// What `line` asks for. Somebody who came with a key has the user of that key, if it names
    /// one.
    ///
    /// # Errors
    /// It is no such command, or asks for help.
    pub(crate) fn parse(line: &str, owner: Option<&str>) -> Result<Self, Said> {
        // Upstream splits at every space and knows no quotes around a word.
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default().trim();
        let own = KINDS.contains(&kind).then(|| proxy_flags::of_kind(kind));
        let Some(own) = own.flatten() else {
            let kinds = KINDS.join(" ");
            let text = format!("invalid proxy type: {kind}, support types: [{kinds}]");
            return Err(Said::Wrong(text));
        };
        let own = own.iter().copied().flatten();
        let flags: Vec<Flag> = proxy_flags::PROXY.iter().chain(own).copied().collect();
        let (mut all, mut proxy) = given(words, &flags)?;
        if let Some(owner) = owner.filter(|owner| !owner.is_empty()) {
            all.insert("user".to_owned(), owner.into());
        }
        if !matches!(proxy.get("name"), Some(Value::String(name)) if !name.is_empty()) {
            proxy.insert("name".to_owned(), nameless(kind)?.into());
        }
        proxy.insert("type".to_owned(), kind.into());
        all.insert("proxies".to_owned(), vec![proxy].into());
        let groups = [("proxies[0].", &*flags), ("", &proxy_flags::CLIENT)];
        let checked = culvert_conf::check_client(all, Strictness::Strict);
        let checked = checked.map_err(|err| Said::Wrong(refused(err, &groups).0))?;
        Self::of(checked.config, kind)
    }

    fn of(config: ClientConfig, kind: &str) -> Result<Self, Said> {
        let token = match &config.auth.method {
            culvert_conf::AuthMethod::Token { token } => token.expose().to_owned(),
            _ => String::new(),
        };
        let Some(proxy) = config.proxies.first() else {
            return Err(Said::Wrong("there is no proxy to open".to_owned()));
        };
        Ok(Self {
            ask: culvert_proxies::new_proxy(proxy, &config.user),
            name: proxy.name.clone(),
            kind: kind.to_owned(),
            client_id: config.client_id,
            user: config.user,
            token: Token::new(token),
        })
    }

    /// The login of such a client; one that came with a key needs no token.
    pub(crate) fn login(&self, has_key: bool) -> Login {
        let timestamp = chrono::Utc::now().timestamp();
        Login {
            version: RELEASE.to_owned(),
            os: "ssh".to_owned(),
            user: self.user.clone(),
            client_id: self.client_id.clone(),
            timestamp,
            privilege_key: self.token.privilege_key(timestamp),
            pool_count: 1,
            client_spec: ClientSpec {
                kind: "ssh-tunnel".to_owned(),
                always_auth_pass: has_key,
            },
            ..Login::default()
        }
    }

    /// The proxy to open.
    pub(crate) fn ask(&self) -> NewProxy {
        self.ask.clone()
    }

    /// What the client is told once its proxy is open.
    pub(super) fn opened(&self, remote_addr: &str) -> String {
        format!(
            "\nfrp (via SSH) (Ctrl+C to quit)\n\nUser: {}\nProxyName: {}\nType: {}\n\
             RemoteAddress: {remote_addr}\n",
            self.user, self.name, self.kind
        )
    }
}

/// The keys of the client and those of the proxy that `words` give.
fn given<'a>(words: impl Iterator<Item = &'a str>, flags: &[Flag]) -> Result<(Table, Table), Said> {
    let args = proxy_flags::CLIENT.iter().chain(flags).map(Flag::arg);
    let mut command = Command::new("ssh")
        .override_usage(USAGE)
        .no_binary_name(true)
        .args_override_self(true)
        .args(args)
        .arg(unused_words());
    let words = words.map(with_dashes);
    match command.try_get_matches_from_mut(words) {
        Ok(found) => Ok((keys(&proxy_flags::CLIENT, &found), keys(flags, &found))),
        Err(err) if err.use_stderr() => {
            let text = complaint(&command, &err);
            let first = text.lines().next().unwrap_or_default();
            let bare = first.strip_prefix("Error: ").unwrap_or(first);
            Err(Said::Wrong(bare.to_owned()))
        }
        Err(err) => Err(Said::Help(err.to_string())),
    }
}

/// `--remote_port` is `--remote-port` (upstream pkg/config/flags.go).
fn with_dashes(word: &str) -> String {
    if !word.starts_with("--") {
        return word.to_owned();
    }
    match word.split_once('=') {
        Some((name, value)) => format!("{}={value}", name.replace('_', "-")),
        None => word.replace('_', "-"),
    }
}

/// The name of a proxy that is given none.
fn nameless(kind: &str) -> Result<String, Said> {
    let id = RunId::random().map_err(|err| Said::Wrong(err.to_string()))?;
    let id: String = id.as_str().chars().take(8).collect();
    Ok(format!("sshtunnel-{kind}-{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Wish {
        Wish::parse(line, None).unwrap()
    }

    fn wrong(line: &str) -> String {
        match Wish::parse(line, None) {
            Err(Said::Wrong(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_flag_has_its_place() {
        let line = "http -t tok --user bob --client_id me -n web -d a.test,b.test --sd x \
                    --locations /a,/b --http_user u --http-pwd p --host_header_rewrite h \
                    --metadatas a=1,b=2 --annotations k=v extra";
        let wish = wish(line);
        let ask = wish.ask();
        assert_eq!(ask.proxy_name, "bob.web");
        assert_eq!(ask.proxy_type, "http");
        assert_eq!(ask.custom_domains, ["a.test", "b.test"]);
        assert_eq!(ask.subdomain, "x");
        assert_eq!(ask.locations, ["/a", "/b"]);
        assert_eq!((&*ask.http_user, &*ask.http_pwd), ("u", "p"));
        assert_eq!(ask.host_header_rewrite, "h");
        assert_eq!(ask.metas.len(), 2);
        assert_eq!(ask.annotations.get("k").unwrap(), "v");
        let login = wish.login(false);
        assert_eq!((&*login.user, &*login.client_id), ("bob", "me"));
        let key = Token::new("tok").privilege_key(login.timestamp);
        assert_eq!(login.privilege_key, key);
        assert!(!login.client_spec.always_auth_pass);
    }

    #[test]
    fn the_other_types_have_theirs() {
        assert_eq!(wish("tcp --remote_port=6000").ask().remote_port, 6000);
        assert_eq!(wish("tcp -r 6000 -r 0x10").ask().remote_port, 16);
        let mux = wish("tcpmux --mux=httpconnect --custom_domain d.test").ask();
        assert_eq!(mux.multiplexer, "httpconnect");
        let secret = wish("stcp --sk=abc --allow-users=\"*\"").ask();
        assert_eq!(
            (&*secret.sk, &*secret.allow_users),
            ("abc", &["*".to_owned()][..])
        );
        assert_eq!(wish("https -d c.test").ask().custom_domains, ["c.test"]);
    }

    #[test]
    fn a_proxy_without_a_name_is_given_one() {
        let wish = wish("tcp");
        let id = wish.name.strip_prefix("sshtunnel-tcp-").unwrap();
        assert_eq!(id.len(), 8);
        let text = wish.opened(":6000");
        let expected = format!(
            "\nfrp (via SSH) (Ctrl+C to quit)\n\nUser: \nProxyName: {}\nType: tcp\n\
             RemoteAddress: :6000\n",
            wish.name
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_user_of_a_key_counts() {
        let of = |owner| {
            Wish::parse("tcp -u me -n p", owner)
                .unwrap()
                .ask()
                .proxy_name
        };
        assert_eq!(of(Some("alice")), "alice.p");
        assert_eq!(of(Some("")), "me.p");
        assert_eq!(of(None), "me.p");
    }

    #[test]
    fn what_is_wrong_is_said_in_upstreams_words() {
        let kinds = "support types: [tcp http https tcpmux stcp]";
        assert_eq!(wrong("foo"), format!("invalid proxy type: foo, {kinds}"));
        assert_eq!(wrong(""), format!("invalid proxy type: , {kinds}"));
        assert_eq!(wrong("tcp --bogus 1"), "unknown flag: --bogus");
        assert_eq!(wrong("tcp -x"), "unknown shorthand flag: 'x' in -x");
        let text = wrong("tcp --remote_port x");
        let expected = "invalid argument \"x\" for \"-r, --remote-port\" flag: ";
        assert!(text.starts_with(expected), "{text}");
        let text = wrong("tcp --remote_port 70000");
        assert!(text.contains("--remote-port"), "{text}");
    }

    #[test]
    fn help_names_every_flag() {
        let Err(Said::Help(text)) = Wish::parse("tcp --help", None) else {
            panic!();
        };
        for flag in ["--remote-port", "--token", "--user", "--proxy-name"] {
            assert!(text.contains(flag), "{text}");
        }
    }
}
