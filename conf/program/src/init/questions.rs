//! What is asked at a terminal.

use std::io::{self, BufRead, Write};

use super::plan::{Plan, Published};

/// Asks for what the flags did not say, again until an answer can be meant.
///
/// # Errors
/// The terminal is gone.
pub(super) fn ask(
    plan: &mut Plan,
    answers: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        "This writes a file for the server and one for the client. Enter takes what stands in \
         brackets."
    )?;
    loop {
        plan.server = answer(
            answers,
            out,
            "Name or address where clients reach the server: ",
        )?;
        match plan.check() {
            Ok(()) => break,
            Err(wrong) => writeln!(out, "  {wrong}")?,
        }
    }
    loop {
        let question = format!("Port where clients connect to [{}]: ", plan.port);
        let given = answer(answers, out, &question)?;
        if given.is_empty() {
            break;
        }
        match given.parse() {
            Ok(port) if port != 0 => {
                plan.port = port;
                break;
            }
            _ => writeln!(out, "  the port must be from 1 to 65535")?,
        }
    }
    writeln!(
        out,
        "Services to publish, such as ssh:tcp:22:6000, dns:udp:53:6053 or \
         web:http:8080:www.example.com; an empty line ends the list."
    )?;
    loop {
        let given = answer(answers, out, "Service []: ")?;
        if given.is_empty() {
            return Ok(());
        }
        let added = given.parse::<Published>().and_then(|proxy| {
            plan.proxies.push(proxy);
            plan.check().inspect_err(|_| {
                plan.proxies.pop();
            })
        });
        if let Err(wrong) = added {
            writeln!(out, "  {wrong}")?;
        }
    }
}

fn answer(answers: &mut dyn BufRead, out: &mut dyn Write, question: &str) -> io::Result<String> {
    write!(out, "{question}")?;
    out.flush()?;
    let mut line = String::new();
    if answers.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim().to_owned())
}
