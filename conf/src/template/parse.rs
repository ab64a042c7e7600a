//! From tokens to a tree of actions.

use super::lex::{Piece, Placed, Spaced, Token, pieces};
use super::value::Value;
use super::{Failed, Functions, MOST_DEPTH, funcs};

/// One part of a template.
#[derive(Debug)]
pub(super) enum Part<'t> {
    /// Text that is printed as it is, and its line.
    Text(u32, &'t str),
    /// A value that is printed, or a variable that is set.
    Print(Pipe),
    /// `if`, `with` and `range`.
    Block(Box<Block<'t>>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// What a block does with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Chooses a branch.
    If,
    /// Chooses a branch and makes the value the dot.
    With,
    /// Runs for each item.
    Range,
}

/// A block with two branches.
#[derive(Debug)]
pub(super) struct Block<'t> {
    /// What it does.
    pub kind: Kind,
    /// Its value.
    pub pipe: Pipe,
    /// The first branch.
    pub then: Vec<Part<'t>>,
    /// What stands after `else`.
    pub other: Vec<Part<'t>>,
}

/// Commands, each with the value of the one before as its last argument.
#[derive(Debug)]
pub(super) struct Pipe {
    /// The line.
    pub line: u32,
    /// The variables that take the value.
    pub variables: Vec<String>,
    /// `:=` and not `=`.
    pub declares: bool,
    /// The commands; at least one.
    pub commands: Vec<Vec<Operand>>,
}

/// One operand and the fields that are read from it.
#[derive(Debug)]
pub(super) struct Operand {
    /// The operand.
    pub head: Head,
    /// `.A.B` behind it.
    pub fields: Vec<String>,
}

/// What an operand is.
#[derive(Debug)]
pub(super) enum Head {
    /// A constant.
    Value(Value),
    /// `.`.
    Dot,
    /// `$x`.
    Variable(String),
    /// A function.
    Function(String),
    /// A pipeline in brackets.
    Pipe(Pipe),
}

/// Parses a template.
pub(super) fn parse(text: &str, functions: Functions) -> Result<Vec<Part<'_>>, Failed> {
    let mut parser = Parser {
        pieces: pieces(text)?.into_iter(),
        line: 1,
        functions,
        variables: vec!["$".to_owned()],
        depth: 0,
        loops: 0,
    };
    match parser.list()? {
        (parts, Close::Text) => Ok(parts),
        (_, Close::End) => Err(parser.failed("unexpected {{end}}")),
        (_, Close::Else(_)) => Err(parser.failed("unexpected {{else}}")),
    }
}

/// What ends a list of parts.
enum Close {
    /// The end of the text.
    Text,
    /// `{{end}}`.
    End,
    /// `{{else}}` with what stands behind it.
    Else(Vec<Spaced>),
}

struct Parser<'t> {
    pieces: std::vec::IntoIter<Placed<'t>>,
    line: u32,
    functions: Functions,
    variables: Vec<String>,
    depth: usize,
    loops: usize,
}

impl<'t> Parser<'t> {
    fn failed(&self, reason: impl Into<String>) -> Failed {
        Failed::at(self.line, reason)
    }

    fn deeper(&mut self) -> Result<(), Failed> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.failed(format!("nested deeper than {MOST_DEPTH}")));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<(Vec<Part<'t>>, Close), Failed> {
        let mut parts = Vec::new();
        while let Some((line, piece)) = self.pieces.next() {
            self.line = line;
            let tokens = match piece {
                Piece::Text(text) => {
                    parts.push(Part::Text(line, text));
                    continue;
                }
                Piece::Action(tokens) => tokens,
            };
            let (keyword, rest) = match tokens.split_first() {
                Some((
                    Spaced {
                        token: Token::Word(word),
                        ..
                    },
                    rest,
                )) => (word.as_str(), rest),
                _ => ("", tokens.as_slice()),
            };
            match keyword {
                "end" if rest.is_empty() => return Ok((parts, Close::End)),
                "else" => return Ok((parts, Close::Else(rest.to_vec()))),
                "if" => parts.push(self.block(Kind::If, rest)?),
                "with" => parts.push(self.block(Kind::With, rest)?),
                "range" => parts.push(self.block(Kind::Range, rest)?),
                "break" | "continue" if rest.is_empty() => {
                    if self.loops == 0 {
                        return Err(self.failed(format!("{{{{{keyword}}}}} outside {{{{range}}}}")));
                    }
                    let is_break = keyword == "break";
                    parts.push(if is_break {
                        Part::Break
                    } else {
                        Part::Continue
                    });
                }
                "define" | "template" | "block" => {
                    return Err(self.failed(format!(
                        "{{{{{keyword}}}}} is not supported, write the text where it belongs"
                    )));
                }
                _ => parts.push(Part::Print(self.whole_pipe(&tokens, "command", 1)?)),
            }
        }
        Ok((parts, Close::Text))
    }

    fn block(&mut self, kind: Kind, head: &[Spaced]) -> Result<Part<'t>, Failed> {
        self.deeper()?;
        let scope = self.variables.len();
        let (context, most) = match kind {
            Kind::If => ("if", 1),
            Kind::With => ("with", 1),
            Kind::Range => ("range", 2),
        };
        let pipe = self.whole_pipe(head, context, most)?;
        let inner = self.variables.len();
        self.loops += usize::from(kind == Kind::Range);
        let (then, end) = self.list()?;
        self.loops -= usize::from(kind == Kind::Range);
        self.variables.truncate(inner);
        let other = match end {
            Close::Text => return Err(self.failed("unexpected EOF")),
            Close::End => Vec::new(),
            Close::Else(rest) => self.otherwise(kind, &rest)?,
        };
        self.variables.truncate(scope);
        self.depth -= 1;
        Ok(Part::Block(Box::new(Block {
            kind,
            pipe,
            then,
            other,
        })))
    }

    /// What stands after `else`: the rest of the block, or one more block that shares its `end`.
    fn otherwise(&mut self, kind: Kind, rest: &[Spaced]) -> Result<Vec<Part<'t>>, Failed> {
        let Some((first, rest)) = rest.split_first() else {
            return match self.list()? {
                (parts, Close::End) => Ok(parts),
                (_, Close::Text) => Err(self.failed("unexpected EOF")),
                (_, Close::Else(_)) => Err(self.failed("expected end; found {{else}}")),
            };
        };
        match (&first.token, kind) {
            (Token::Word(word), Kind::If) if word == "if" => Ok(vec![self.block(kind, rest)?]),
            (Token::Word(word), Kind::With) if word == "with" => Ok(vec![self.block(kind, rest)?]),
            (token, _) => Err(self.failed(format!("unexpected {} in else", shown(token)))),
        }
    }

    fn whole_pipe(
        &mut self,
        tokens: &[Spaced],
        context: &str,
        most: usize,
    ) -> Result<Pipe, Failed> {
        let mut rest = tokens;
        let pipe = self.pipe(&mut rest, context, most)?;
        match rest.first() {
            None => Ok(pipe),
            Some(token) => {
                Err(self.failed(format!("unexpected {} in {context}", shown(&token.token))))
            }
        }
    }

    fn pipe(&mut self, rest: &mut &[Spaced], context: &str, most: usize) -> Result<Pipe, Failed> {
        let (variables, declares) = self.declaration(rest, context, most)?;
        let mut commands = Vec::new();
        loop {
            let command = self.command(rest)?;
            if command.is_empty() {
                return Err(self.failed(format!("missing value for {context}")));
            }
            if let (
                false,
                Some(Operand {
                    head: Head::Value(_) | Head::Dot,
                    fields,
                }),
            ) = (commands.is_empty(), command.first())
                && fields.is_empty()
            {
                return Err(self.failed("non executable command in pipeline"));
            }
            commands.push(command);
            match rest.split_first() {
                Some((
                    Spaced {
                        token: Token::Sign('|'),
                        ..
                    },
                    after,
                )) => *rest = after,
                _ => break,
            }
        }
        if declares {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe {
            line: self.line,
            variables,
            declares,
            commands,
        })
    }

    /// `$a :=`, `$a =`, and for `range` also `$a, $b :=`.
    fn declaration(
        &self,
        rest: &mut &[Spaced],
        context: &str,
        most: usize,
    ) -> Result<(Vec<String>, bool), Failed> {
        let mut names = Vec::new();
        let mut at = *rest;
        while let Some((
            Spaced {
                token: Token::Variable(name),
                ..
            },
            after,
        )) = at.split_first()
        {
            names.push(name.clone());
            match after.split_first() {
                Some((
                    Spaced {
                        token: Token::Sign(','),
                        ..
                    },
                    after,
                )) => at = after,
                Some((
                    Spaced {
                        token: Token::Sign(sign @ (':' | '=')),
                        ..
                    },
                    after,
                )) => {
                    *rest = after;
                    if names.len() > most {
                        return Err(self.failed(format!("too many declarations in {context}")));
                    }
                    let unknown = names
                        .iter()
                        .find(|n| *sign == '=' && !self.variables.contains(n));
                    if let Some(name) = unknown {
                        return Err(self.failed(format!("undefined variable {name:?}")));
                    }
                    return Ok((names, *sign == ':'));
                }
                _ => break,
            }
        }
        Ok((Vec::new(), false))
    }

    fn command(&mut self, rest: &mut &[Spaced]) -> Result<Vec<Operand>, Failed> {
        let mut operands = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            if matches!(first.token, Token::Sign('|' | ')')) {
                break;
            }
            *rest = after;
            let head = self.head(&first.token, rest)?;
            let mut fields = match &first.token {
                Token::Field(name) => vec![name.clone()],
                _ => Vec::new(),
            };
            while let Some((
                Spaced {
                    token: Token::Field(name),
                    after_space: false,
                },
                after,
            )) = rest.split_first()
            {
                fields.push(name.clone());
                *rest = after;
            }
            operands.push(Operand { head, fields });
        }
        Ok(operands)
    }

    fn head(&mut self, token: &Token, rest: &mut &[Spaced]) -> Result<Head, Failed> {
        Ok(match token {
            Token::Dot | Token::Field(_) => Head::Dot,
            Token::Text(text) => Head::Value(Value::text(text)),
            Token::Int(number) => Head::Value(Value::Int(*number)),
            Token::Float(number) => Head::Value(Value::Float(*number)),
            Token::Variable(name) if self.variables.contains(name) => Head::Variable(name.clone()),
            Token::Variable(name) => {
                return Err(self.failed(format!("undefined variable {name:?}")));
            }
            Token::Word(word) => match word.as_str() {
                "true" => Head::Value(Value::Bool(true)),
                "false" => Head::Value(Value::Bool(false)),
                "nil" => Head::Value(Value::Nothing),
                name if funcs::exists(name, self.functions) => Head::Function(word.clone()),
                name => return Err(self.failed(format!("function {name:?} not defined"))),
            },
            Token::Sign('(') => {
                self.deeper()?;
                let pipe = self.pipe(rest, "parenthesized pipeline", 1)?;
                self.depth -= 1;
                match rest.split_first() {
                    Some((
                        Spaced {
                            token: Token::Sign(')'),
                            ..
                        },
                        after,
                    )) => *rest = after,
                    _ => return Err(self.failed("unclosed left paren")),
                }
                Head::Pipe(pipe)
            }
            Token::Sign(_) => {
                return Err(self.failed(format!("unexpected {} in operand", shown(token))));
            }
        })
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("<{word}>"),
        Token::Field(name) => format!("<.{name}>"),
        Token::Variable(name) => format!("<{name}>"),
        Token::Dot => "<.>".to_owned(),
        Token::Text(text) => format!("{text:?}"),
        Token::Int(number) => format!("\"{number}\""),
        Token::Float(number) => format!("\"{number}\""),
        Token::Sign(':') => "\":=\"".to_owned(),
        Token::Sign(sign) => format!("\"{sign}\""),
    }
}
