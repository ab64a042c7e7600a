//! Runs a parsed template: actions in, text out, within bounds.

use std::rc::Rc;

use super::parse::{Block, Head, Kind, Operand, Part, Pipe};
use super::value::Value;
use super::{Failed, MOST_OUTPUT, MOST_STEPS, Rendered, funcs};

/// What ends a list of parts before its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// Runs `parts` with `root` as the dot.
pub(super) fn run(parts: &[Part<'_>], root: Value) -> Result<Rendered, Failed> {
    let mut runner = Runner {
        text: String::new(),
        lines: Vec::new(),
        fresh: true,
        variables: vec![("$".to_owned(), root.clone())],
        steps: 0,
    };
    runner.list(parts, &root)?;
    Ok(Rendered {
        text: runner.text,
        lines: runner.lines,
    })
}

struct Runner {
    text: String,
    /// For each line of `text`, the line of the template that it began in.
    lines: Vec<u32>,
    /// Whether the next character begins a line.
    fresh: bool,
    variables: Vec<(String, Value)>,
    steps: usize,
}

impl Runner {
    fn print(&mut self, line: u32, text: &str, moves: bool) -> Result<(), Failed> {
        if self.text.len().saturating_add(text.len()) > MOST_OUTPUT {
            let reason = format!("the text grows beyond {MOST_OUTPUT} bytes");
            return Err(Failed::at(line, reason));
        }
        let mut at = line;
        for part in text.split_inclusive('\n') {
            if self.fresh {
                self.lines.push(at);
            }
            self.fresh = part.ends_with('\n');
            at += u32::from(moves && self.fresh);
        }
        self.text.push_str(text);
        Ok(())
    }

    fn step(&mut self, line: u32) -> Result<(), Failed> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(Failed::at(line, format!("more than {MOST_STEPS} steps")));
        }
        Ok(())
    }

    fn list(&mut self, parts: &[Part<'_>], dot: &Value) -> Result<Flow, Failed> {
        for part in parts {
            match part {
                Part::Text(line, text) => self.print(*line, text, true)?,
                Part::Print(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        self.print_value(pipe.line, &value)?;
                    }
                }
                Part::Block(block) => {
                    let scope = self.variables.len();
                    let flow = self.block(block, dot)?;
                    self.variables.truncate(scope);
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Part::Break => return Ok(Flow::Break),
                Part::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::On)
    }

    fn print_value(&mut self, line: u32, value: &Value) -> Result<(), Failed> {
        match value {
            Value::Nothing => self.print(line, "<no value>", false),
            Value::Text(text) => self.print(line, text, false),
            other => self.print(line, &other.to_string(), false),
        }
    }

    fn block(&mut self, block: &Block<'_>, dot: &Value) -> Result<Flow, Failed> {
        let line = block.pipe.line;
        self.step(line)?;
        if block.kind == Kind::Range {
            return self.range(block, dot);
        }
        let value = self.pipe(&block.pipe, dot)?;
        match (value.truth(), block.kind) {
            (false, _) => self.list(&block.other, dot),
            (true, Kind::With) => self.list(&block.then, &value),
            (true, _) => self.list(&block.then, dot),
        }
    }

    fn range(&mut self, block: &Block<'_>, dot: &Value) -> Result<Flow, Failed> {
        let line = block.pipe.line;
        let scope = self.variables.len();
        let value = self.commands(&block.pipe, dot)?;
        let items = items(&value, line)?;
        let mut any = false;
        for (key, item) in items {
            any = true;
            self.step(line)?;
            self.variables.truncate(scope);
            match block.pipe.variables.as_slice() {
                [] => {}
                [one] => self.set(&block.pipe, one, item.clone()),
                [first, second, ..] => {
                    self.set(&block.pipe, first, key);
                    self.set(&block.pipe, second, item.clone());
                }
            }
            if self.list(&block.then, &item)? == Flow::Break {
                break;
            }
        }
        self.variables.truncate(scope);
        if any {
            Ok(Flow::On)
        } else {
            self.list(&block.other, dot)
        }
    }

    fn set(&mut self, pipe: &Pipe, name: &str, value: Value) {
        let known = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name);
        match known {
            Some((_, place)) if !pipe.declares => *place = value,
            _ => self.variables.push((name.to_owned(), value)),
        }
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Result<Value, Failed> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set(pipe, name, value.clone());
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &Pipe, dot: &Value) -> Result<Value, Failed> {
        let mut value = None;
        for command in &pipe.commands {
            self.step(pipe.line)?;
            value = Some(self.command(command, value, pipe.line, dot)?);
        }
        Ok(value.unwrap_or(Value::Nothing))
    }

    fn command(
        &mut self,
        command: &[Operand],
        last: Option<Value>,
        line: u32,
        dot: &Value,
    ) -> Result<Value, Failed> {
        let Some((first, rest)) = command.split_first() else {
            return Ok(Value::Nothing);
        };
        let Head::Function(name) = &first.head else {
            if !rest.is_empty() || last.is_some() {
                return Err(Failed::at(line, "can't give argument to non-function"));
            }
            return self.operand(first, line, dot);
        };
        let value = if name == "and" || name == "or" {
            self.choose(name == "or", rest, last, line, dot)?
        } else {
            let mut arguments = Vec::with_capacity(rest.len() + 1);
            for operand in rest {
                arguments.push(self.operand(operand, line, dot)?);
            }
            arguments.extend(last);
            call(name, &arguments, line)?
        };
        fields(value, &first.fields, line)
    }

    /// `and` and `or`: the value that decides; what stands behind it is not looked at.
    fn choose(
        &mut self,
        wanted: bool,
        operands: &[Operand],
        last: Option<Value>,
        line: u32,
        dot: &Value,
    ) -> Result<Value, Failed> {
        let mut value = None;
        for operand in operands {
            let found = self.operand(operand, line, dot)?;
            if found.truth() == wanted {
                return Ok(found);
            }
            value = Some(found);
        }
        last.or(value)
            .ok_or_else(|| Failed::at(line, "wrong number of args for and or or: want at least 1"))
    }

    fn operand(&mut self, operand: &Operand, line: u32, dot: &Value) -> Result<Value, Failed> {
        let value = match &operand.head {
            Head::Value(value) => value.clone(),
            Head::Dot => dot.clone(),
            Head::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known.map_or(Value::Nothing, |(_, value)| value.clone())
            }
            Head::Function(name) => call(name, &[], line)?,
            Head::Pipe(pipe) => self.pipe(pipe, dot)?,
        };
        fields(value, &operand.fields, line)
    }
}

fn fields(mut value: Value, fields: &[String], line: u32) -> Result<Value, Failed> {
    for name in fields {
        value = value.field(name).map_err(|reason| {
            Failed::at(line, format!("executing \"frp\" at <.{name}>: {reason}"))
        })?;
    }
    Ok(value)
}

fn call(name: &str, arguments: &[Value], line: u32) -> Result<Value, Failed> {
    funcs::call(name, arguments).map_err(|reason| {
        let text = format!("executing \"frp\" at <{name}>: error calling {name}: {reason}");
        Failed::at(line, text)
    })
}

/// What `range` runs over, as pairs of key and item.
fn items(value: &Value, line: u32) -> Result<Box<dyn Iterator<Item = (Value, Value)>>, Failed> {
    Ok(match value {
        Value::Nothing => Box::new(std::iter::empty()),
        Value::List(items) => {
            let items = Rc::clone(items);
            let count = items.len();
            Box::new((0..count).filter_map(move |index| {
                let key = Value::Int(i64::try_from(index).ok()?);
                Some((key, items.get(index)?.clone()))
            }))
        }
        Value::Int(count) => Box::new((0..*count).map(|n| (Value::Int(n), Value::Int(n)))),
        Value::Envs(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| (Value::text(key), Value::text(value)))
                .collect();
            Box::new(pairs.into_iter())
        }
        other => {
            return Err(Failed::at(
                line,
                format!("range can't iterate over {}", other.kind()),
            ));
        }
    })
}
