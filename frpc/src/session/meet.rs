//! Questions to the server about meeting other peers, and its answers (protocol 6.1).

use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use culvert_proxy::{BoxFuture, Control, ProxyError, Question};
use culvert_wire::{
    Message,
    msg::{NatHoleReport, NatHoleResp},
};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

/// Questions without an answer, and messages that wait to be sent: each belongs to a proxy or
/// visitor that is busy with one meeting.
const WAITING: usize = 1024;

/// What is asked, over all sessions.
#[derive(Default)]
pub(crate) struct Questions {
    open: Mutex<HashMap<String, oneshot::Sender<NatHoleResp>>>,
    queue: Mutex<VecDeque<Message>>,
    /// Told when there is something to send.
    queued: Notify,
}

impl Questions {
    /// Waits until there may be something to send.
    ///
    /// *Cancel safety*: safe.
    pub(super) async fn queued(&self) {
        self.queued.notified().await;
    }

    /// What is to be sent, the oldest first.
    pub(super) fn next(&self) -> Option<Message> {
        self.queue.lock().pop_front()
    }

    /// A new session has nothing to do with questions to the last.
    pub(super) fn forget(&self) {
        self.queue.lock().clear();
    }

    /// Hands an answer to who waits for it; any other is ignored.
    pub(super) fn answered(&self, answer: NatHoleResp) {
        let asked = self.open.lock().remove(&answer.transaction_id);
        if let Some(asked) = asked {
            // Who asked may have given up by now.
            let _late = asked.send(answer);
        }
    }

    fn send(&self, message: Message) -> Result<(), ProxyError> {
        let mut queue = self.queue.lock();
        if queue.len() >= WAITING {
            let text = format!("{WAITING} messages wait to be sent to the server");
            return Err(ProxyError::Refused(text));
        }
        queue.push_back(message);
        drop(queue);
        self.queued.notify_one();
        Ok(())
    }
}

/// A question that nobody asks any more when this is dropped.
struct Asked<'a> {
    questions: &'a Questions,
    id: String,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.questions.open.lock().remove(&self.id);
    }
}

impl Control for Questions {
    fn tell(&self, report: NatHoleReport) -> Result<(), ProxyError> {
        self.send(report.into())
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<NatHoleResp, ProxyError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let id = question.transaction_id().to_owned();
            {
                let mut open = self.open.lock();
                if open.len() >= WAITING {
                    let text = format!("{WAITING} questions to the server wait for an answer");
                    return Err(ProxyError::Refused(text));
                }
                open.insert(id.clone(), answer);
            }
            let _asked = Asked {
                questions: self,
                id,
            };
            self.send(question.into())?;
            let gone = |_| ProxyError::Internal("a question was dropped");
            answered.await.map_err(gone)
        })
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("open", &self.open.lock().len())
            .field("queued", &self.queue.lock().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use culvert_wire::msg::NatHoleVisitor;

    use super::*;

    fn question(id: &str) -> Question {
        Question::Visitor(NatHoleVisitor {
            transaction_id: id.to_owned(),
            ..NatHoleVisitor::default()
        })
    }

    fn answer(id: &str) -> NatHoleResp {
        NatHoleResp {
            transaction_id: id.to_owned(),
            ..NatHoleResp::default()
        }
    }

    #[tokio::test]
    async fn an_answer_finds_its_question() {
        let questions = Questions::default();
        let (one, two, ()) = tokio::join!(
            questions.ask(question("one")),
            questions.ask(question("two")),
            async {
                questions.queued().await;
                assert!(matches!(questions.next(), Some(Message::NatHoleVisitor(_))));
                questions.answered(answer("nobody's"));
                questions.answered(answer("two"));
                questions.answered(answer("one"));
            }
        );
        assert_eq!(one.unwrap().transaction_id, "one");
        assert_eq!(two.unwrap().transaction_id, "two");
    }

    #[tokio::test]
    async fn a_question_given_up_leaves_nothing_behind() {
        let questions = Questions::default();
        tokio::select! {
            biased;
            _ = questions.ask(question("one")) => panic!("nobody answered"),
            () = std::future::ready(()) => {}
        }
        assert!(questions.open.lock().is_empty());
        questions.forget();
        assert!(questions.next().is_none());
    }
}
