//! The server's table of services that visitors ask the way to, and the meetings under way
//! (protocol 6.1).

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use culvert_io::Scope;
use culvert_nathole::{Memory, Pair, Plan, Role, answers, new_id};
use culvert_proxy::{Lease, Opened, ProxyError, ServerCx};
use culvert_transport::Framed;
use culvert_wire::{
    ProxyName, Token,
    msg::{NatHoleClient, NatHoleReport, NatHoleResp, NatHoleSid, NatHoleVisitor, NewProxy},
};
use parking_lot::Mutex;
use tokio::{
    io::AsyncWriteExt,
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use crate::visiting::unix_now;

/// How long the proxy's client may take to say where it is (protocol 6.1).
const CLIENT: Duration = Duration::from_secs(10);
/// What the receiver is ahead of the sender, so that its NAT is open by then (protocol 6.1).
const HEAD_START: Duration = Duration::from_secs(1);
/// How long a report may come after the peers have given up (protocol 6.1).
const REPORT: Duration = Duration::from_secs(30);
/// Meetings at a time; each costs some kilobytes for at most two minutes.
const MEETINGS: usize = 4096;

/// The services of a server that visitors ask the way to, by the proxy's name, and the meetings
/// under way. Cheap to clone.
#[derive(Clone)]
pub struct Meetings(Arc<Shared>);

struct Shared {
    services: Mutex<HashMap<ProxyName, Arc<Service>>>,
    meetings: Mutex<HashMap<String, Meeting>>,
    memory: Mutex<Memory>,
    born: Instant,
}

/// An open proxy as visitors find it.
struct Service {
    secret: Token,
    /// Users that may visit; `*` for any.
    allowed: Vec<String>,
    cx: Arc<dyn ServerCx>,
    scope: Scope,
}

/// How far a meeting is.
enum Meeting {
    /// The proxy's client was told of it and has not answered.
    Called {
        proxy: String,
        client: oneshot::Sender<Answering>,
    },
    /// Both were answered; a success can be noted until then.
    Decided {
        pair: Pair,
        plan: Plan,
        until: Instant,
    },
}

/// What the proxy's client said, and where the answer to it goes.
type Answering = (NatHoleClient, oneshot::Sender<NatHoleResp>);

impl Meetings {
    /// An empty table, which remembers for `reserve` what worked between two peers
    /// (`natholeAnalysisDataReserveHours`).
    #[must_use]
    pub fn new(reserve: Duration) -> Self {
        Self(Arc::new(Shared {
            services: Mutex::default(),
            meetings: Mutex::default(),
            memory: Mutex::new(Memory::new(reserve)),
            born: Instant::now(),
        }))
    }

    /// Opens a proxy to visitors, until what is answered is dropped. The caller owns the proxy's
    /// name, so there is no other of that name.
    pub(crate) fn open(&self, ask: &NewProxy, cx: Arc<dyn ServerCx>, scope: &Scope) -> Opened {
        let allowed = match &*ask.allow_users {
            // Only the owner's own (protocol 3.8).
            [] => vec![cx.user().to_owned()],
            some => some.to_vec(),
        };
        let name = cx.name().clone();
        let service = Service {
            secret: Token::new(&*ask.sk),
            allowed,
            cx,
            scope: scope.clone(),
        };
        let mut services = self.0.services.lock();
        services.insert(name.clone(), Arc::new(service));
        drop(services);
        let shared = Arc::clone(&self.0);
        let lease = Lease::new(move || {
            let closed = shared.services.lock().remove(&name);
            // What it holds may have a table of its own to leave: not under the lock.
            drop(closed);
        });
        Opened {
            remote_addr: String::new(),
            leases: vec![lease],
        }
    }

    /// Serves a visitor's question, whose session belongs to `user`: answers a check at once, and
    /// otherwise brings it together with the proxy's client, which takes a while. `None` if the
    /// client does not answer; then the visitor gives up by itself.
    ///
    /// *Cancel safety*: the meeting is off.
    pub async fn visitor(&self, ask: NatHoleVisitor, user: &str) -> Option<NatHoleResp> {
        let transaction_id = ask.transaction_id.clone();
        let met = match self.admit(&ask, user) {
            Ok(_) if ask.pre_check => Ok(Some(refusal(transaction_id.clone(), String::new()))),
            Ok(service) => self.meet(ask, &service).await,
            Err(error) => Err(error),
        };
        met.unwrap_or_else(|error| {
            tracing::warn!("nathole visitor of user [{user}]: {error}");
            Some(refusal(transaction_id, error.to_string()))
        })
    }

    /// upstream: server/nathole/controller.go looks at the user in the check only, which a visitor
    /// can leave out; here both are looked at twice.
    fn admit(&self, ask: &NatHoleVisitor, user: &str) -> Result<Arc<Service>, ProxyError> {
        let name = &*ask.proxy_name;
        let refused = |text| Err(ProxyError::Refused(text));
        let Some(service) = self.0.services.lock().get(name).cloned() else {
            return refused(format!("xtcp server for [{name}] doesn't exist"));
        };
        if !ask.pre_check && !service.secret.verify(ask.timestamp, &ask.sign_key) {
            return refused(format!("xtcp connection of [{name}] auth failed"));
        }
        if !service.allowed.iter().any(|one| one == "*" || one == user) {
            return refused(format!(
                "xtcp visitor user [{user}] not allowed for [{name}]"
            ));
        }
        Ok(service)
    }

    async fn meet(
        &self,
        ask: NatHoleVisitor,
        service: &Service,
    ) -> Result<Option<NatHoleResp>, ProxyError> {
        let sid = new_id(unix_now()).map_err(|error| ProxyError::refused(error.to_string()))?;
        let (client, called) = oneshot::channel();
        let meeting = Meeting::Called {
            proxy: ask.proxy_name.clone(),
            client,
        };
        self.begin(&sid, meeting)?;
        let _off = Off {
            shared: &self.0,
            sid: &sid,
        };
        service.invite(sid.clone());
        let Ok(Ok((client, answer))) = timeout(CLIENT, called).await else {
            tracing::debug!("sid [{sid}]: no word from the proxy's client");
            return Ok(None);
        };
        let now = self.0.born.elapsed();
        let decided = answers(&sid, &ask, &client, &mut self.0.memory.lock(), now);
        let decided = match decided {
            Ok(decided) => decided,
            Err(error) => {
                tracing::debug!("sid [{sid}] analysis error: {error}");
                // The client may be gone; then there is nobody to tell.
                let _gone = answer.send(refusal(client.transaction_id, error.to_string()));
                return Err(ProxyError::refused(error.to_string()));
            }
        };
        tracing::debug!("sid [{sid}]: {:?}", decided.plan);
        self.decide(&sid, &decided);
        let _gone = answer.send(decided.client);
        if decided.plan.visitor.role == Role::Sender {
            sleep(HEAD_START).await;
        }
        Ok(Some(decided.visitor))
    }

    fn begin(&self, sid: &str, meeting: Meeting) -> Result<(), ProxyError> {
        let now = Instant::now();
        let mut meetings = self.0.meetings.lock();
        meetings.retain(|_, one| !matches!(one, Meeting::Decided { until, .. } if *until <= now));
        if meetings.len() >= MEETINGS {
            let text = format!("{MEETINGS} xtcp connections are being made already");
            return Err(ProxyError::Refused(text));
        }
        meetings.insert(sid.to_owned(), meeting);
        Ok(())
    }

    fn decide(&self, sid: &str, decided: &culvert_nathole::Answers) {
        let told = [&decided.visitor, &decided.client];
        let longest = told.map(|told| told.detect_behavior.read_timeout);
        let longest = longest.into_iter().max().unwrap_or_default();
        let wait = Duration::from_millis(u64::try_from(longest).unwrap_or_default());
        let meeting = Meeting::Decided {
            pair: decided.pair,
            plan: decided.plan,
            until: Instant::now() + wait + REPORT,
        };
        self.0.meetings.lock().insert(sid.to_owned(), meeting);
    }

    /// Serves the proxy's client, which says where it is. `None` if nobody waits for that.
    ///
    /// *Cancel safety*: the visitor is answered all the same.
    pub async fn client(&self, ask: NatHoleClient) -> Option<NatHoleResp> {
        let waiting = {
            let mut meetings = self.0.meetings.lock();
            match meetings.get(&ask.sid) {
                Some(Meeting::Called { proxy, .. }) if *proxy == ask.proxy_name => {
                    meetings.remove(&ask.sid)
                }
                _ => None,
            }
        };
        let Some(Meeting::Called { client, .. }) = waiting else {
            tracing::debug!("sid [{}]: nobody waits for a client", ask.sid);
            return None;
        };
        let (answer, answered) = oneshot::channel();
        client.send((ask, answer)).ok()?;
        let told = answered.await.ok()?;
        if told.detect_behavior.role == Role::Sender.name() {
            sleep(HEAD_START).await;
        }
        Some(told)
    }

    /// Notes whether two peers have met.
    pub fn report(&self, report: &NatHoleReport) {
        let NatHoleReport { sid, success } = report;
        let Some(Meeting::Decided { pair, plan, .. }) = self.take_decided(sid) else {
            return tracing::debug!(
                "sid [{sid}] report make hole success: {success}, but session not found"
            );
        };
        if *success {
            let now = self.0.born.elapsed();
            self.0.memory.lock().succeeded(&pair, &plan, now);
        }
        let Plan { mode, index, .. } = plan;
        tracing::info!(
            "sid [{sid}] report make hole success: {success}, mode {mode}, index {index}"
        );
    }

    fn take_decided(&self, sid: &str) -> Option<Meeting> {
        let mut meetings = self.0.meetings.lock();
        match meetings.get(sid)? {
            Meeting::Decided { .. } => meetings.remove(sid),
            Meeting::Called { .. } => None,
        }
    }
}

/// Calls a meeting off that nobody has come to.
struct Off<'a> {
    shared: &'a Shared,
    sid: &'a str,
}

impl Drop for Off<'_> {
    fn drop(&mut self) {
        let mut meetings = self.shared.meetings.lock();
        if let Some(Meeting::Called { .. }) = meetings.get(self.sid) {
            meetings.remove(self.sid);
        }
    }
}

impl Service {
    /// Tells the proxy's client that somebody waits, on a work connection. Returns at once.
    fn invite(&self, sid: String) {
        let cx = Arc::clone(&self.cx);
        self.scope.spawn(async move {
            match timeout(CLIENT, invite(&*cx, sid)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("write nat hole sid package error, {error}"),
                Err(_elapsed) => tracing::warn!("the client does not take the sid of a visitor"),
            }
        });
    }
}

async fn invite(cx: &dyn ServerCx, sid: String) -> Result<(), ProxyError> {
    let work = cx.bare_work_conn().await?;
    let sid = NatHoleSid {
        sid,
        ..NatHoleSid::default()
    };
    let mut work = Framed::new(work, cx.codec());
    let failed = |source| ProxyError::io("work connection", source);
    let sent = work.send(&sid.into()).await;
    sent.map_err(|error| ProxyError::Peer(culvert_transport::report(&error)))?;
    work.into_stream().shutdown().await.map_err(failed)
}

/// An answer that is only an error, or only a yes.
fn refusal(transaction_id: String, error: String) -> NatHoleResp {
    NatHoleResp {
        transaction_id,
        error,
        ..NatHoleResp::default()
    }
}

impl fmt::Debug for Meetings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meetings")
            .field("services", &self.0.services.lock().len())
            .field("meetings", &self.0.meetings.lock().len())
            .finish()
    }
}
