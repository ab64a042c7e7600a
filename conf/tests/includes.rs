//! Files that include others.

use std::path::PathBuf;

use culvert_conf::{ClientConfig, Strictness, load_client, parse_client};

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("culvert-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("more"))?;
        let place = folder.display().to_string();
        for (name, text) in files {
            std::fs::write(folder.join(name), text.replace("DIR", &place))?;
        }
        Ok(Self(folder))
    }

    fn load(&self, name: &str) -> Result<ClientConfig, String> {
        load_client(&self.0.join(name), Strictness::Strict)
            .map(|loaded| loaded.config)
            .map_err(|error| {
                error
                    .to_string()
                    .replace(&self.0.display().to_string(), "DIR")
            })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn names(config: &ClientConfig) -> Vec<&str> {
    config
        .proxies
        .iter()
        .map(|proxy| proxy.name.as_str())
        .collect()
}

const MAIN: &str = "includes = [\"DIR/more/*.x\"]\n\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n";

#[test]
fn any_format_adds_proxies_and_visitors() {
    let folder = Folder::new(
        "formats",
        &[
            ("main", MAIN),
            (
                "more/1.x",
                "{{ range $v := parseNumberRange `1-2` }}\n[[proxies]]\nname = \"t{{ $v }}\"\ntype = \"tcp\"\n{{ end }}",
            ),
            (
                "more/2.x",
                "serverAddr: ignored\nproxies:\n- name: u\n  type: udp\n",
            ),
            (
                "more/3.x",
                "{\"visitors\": [{\"name\": \"v\", \"type\": \"stcp\", \"serverName\": \"s\", \"bindPort\": 1}]}",
            ),
            ("more/4.other", "nonsense"),
        ],
    )
    .unwrap();
    let config = folder.load("main").unwrap();
    assert_eq!(names(&config), ["a", "t1", "t2", "u"]);
    assert_eq!(config.visitors.len(), 1);
    assert_eq!(config.server_addr, "0.0.0.0");
}

#[test]
fn faults_name_the_file_where_they_are() {
    let folder = Folder::new("faults", &[("main", MAIN)]).unwrap();
    let included = |text: &str| {
        std::fs::write(folder.0.join("more/1.x"), text).unwrap();
        folder.load("main").unwrap_err()
    };
    let duplicate = included("\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n");
    let wanted = "DIR/more/1.x:3: proxy name [a] is duplicated; it is used in line 4 of DIR/main";
    assert!(duplicate.starts_with(wanted), "{duplicate}");
    let value = included("\n\n[[proxies]]\nname = \"b\"\ntype = \"http\"\n");
    assert!(
        value.starts_with("DIR/more/1.x:3: proxy b: subdomain and custom"),
        "{value}"
    );
    let key = included("[[proxies]]\nname = \"b\"\ntype = \"tcp\"\nx = 1\n");
    let wanted = "load additional config from DIR/more/1.x error: DIR/more/1.x:4: decode proxy at \
                  index 0: unknown field \"x\"";
    assert!(key.starts_with(wanted), "{key}");
    let syntax = included("[[proxies\n");
    assert!(
        syntax.starts_with("load additional config from DIR/more/1.x error: "),
        "{syntax}"
    );
}

#[test]
fn a_folder_must_exist_and_a_file_need_not() {
    let folder = Folder::new(
        "folders",
        &[
            ("none", "includes = [\"DIR/more/*.none\", \"DIR/more/[\"]\n"),
            ("gone", "\nincludes = [\n\"DIR/absent/*\"]\n"),
            ("gone.ini", "[common]\nincludes = DIR/absent/*\n"),
        ],
    )
    .unwrap();
    assert!(folder.load("none").unwrap().proxies.is_empty());
    let gone = folder.load("gone").unwrap_err();
    assert!(
        gone.starts_with("DIR/gone:3: stat DIR/absent: no such file or directory"),
        "{gone}"
    );
    let gone = folder.load("gone.ini").unwrap_err();
    let wanted = "DIR/gone.ini:2: parse config error: include: directory of DIR/absent/* not exist";
    assert_eq!(gone, wanted);
}

#[test]
fn the_legacy_format_puts_texts_behind_each_other() {
    let folder = Folder::new(
        "legacy",
        &[
            (
                "main.ini",
                "[common]\nserver_port = 1\nincludes = DIR/more/*.ini\n[a]\nlocal_port = 1",
            ),
            ("more/1.ini", "[b]\ntype = udp\n[common]\nserver_port = 2\n"),
        ],
    )
    .unwrap();
    let config = folder.load("main.ini").unwrap();
    assert_eq!((names(&config), config.server_port), (vec!["a", "b"], 1));
    std::fs::write(folder.0.join("more/2.ini"), "\n[c]\ntype = x\n").unwrap();
    let fault = folder.load("main.ini").unwrap_err();
    assert_eq!(
        fault,
        "DIR/more/2.ini:3: failed to parse proxy c, err: invalid type [x]"
    );
    std::fs::write(folder.0.join("more/2.ini"), "\n[c]\n\nlocal_port = 70000\n").unwrap();
    let fault = folder.load("main.ini").unwrap_err();
    assert!(
        fault.starts_with("DIR/more/2.ini:4: proxy c: localPort"),
        "{fault}"
    );
}

#[test]
fn a_text_alone_reads_no_files() {
    let text = "includes = [\"/*\"]\n";
    let fault = parse_client(text, "frpc.toml", Strictness::Strict).unwrap_err();
    assert!(
        fault.to_string().starts_with("frpc.toml:1: includes[0]"),
        "{fault}"
    );
}
