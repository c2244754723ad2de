//! When a token is made, used and forgotten, with time told by the tests.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use super::*;

const KEY: Key = Key([0; 32]);

impl Moment {
    /// So long after it, by each clock.
    fn after(self, steady: u64, wall: i64) -> Moment {
        let by = Duration::from_secs(wall.unsigned_abs());
        let wall = if wall < 0 { self.wall - by } else { self.wall + by };
        Moment { steady: self.steady + Duration::from_secs(steady), wall }
    }
}

fn token(name: &str, since: Moment, life: u64) -> Token<Secret> {
    Token { it: Secret::new(name.to_owned()), since, life: Duration::from_secs(life) }
}

fn refused() -> AuthorityError {
    AuthorityError::Refused { by: "tokens.example".into(), status: 400, says: "no".into() }
}

async fn get(
    tokens: &Tokens<Secret>,
    now: Moment,
    made: Result<Token<Secret>, AuthorityError>,
) -> Result<String, AuthorityError> {
    tokens.get(KEY, now, async { made }).await.map(|token| token.it.expose().to_owned())
}

#[tokio::test]
async fn a_token_is_used_until_shortly_before_it_runs_out() {
    let start = Moment::now();
    let check = async |life: u64, steady: u64, wall: i64, expected: &str| {
        let tokens = Tokens::default();
        get(&tokens, start, Ok(token("old", start, life))).await.unwrap();
        let now = start.after(steady, wall);
        assert_eq!(get(&tokens, now, Ok(token("new", now, life))).await.unwrap(), expected, "{life} {steady} {wall}");
    };
    check(3600, 3200, 3200, "old").await;
    check(3600, 3301, 3301, "new").await;
    check(3600, 4000, 4000, "new").await;
    // One that lives short is renewed in the last quarter of its life.
    check(60, 40, 40, "old").await;
    check(60, 46, 46, "new").await;
    // A machine that slept, on whose clocks only one went on.
    check(3600, 10, 7200, "new").await;
    // A clock that was set back, or is simply wrong.
    check(3600, 3400, -86_400, "new").await;
    check(3600, 10, -86_400, "old").await;
}

#[tokio::test]
async fn an_old_token_outlives_a_failed_renewal() {
    let (start, tokens) = (Moment::now(), Tokens::default());
    get(&tokens, start, Ok(token("old", start, 3600))).await.unwrap();
    let late = start.after(3400, 3400);
    assert_eq!(get(&tokens, late, Err(refused())).await.unwrap(), "old", "it is good for a while yet");
    let over = start.after(3601, 3601);
    assert_eq!(get(&tokens, over, Err(refused())).await, Err(refused()), "it is no token any more");
    let again = start.after(3602, 3602);
    assert_eq!(get(&tokens, again, Ok(token("new", again, 3600))).await.unwrap(), "new", "a refusal is not kept");
}

#[tokio::test]
async fn many_requests_have_one_token_made() {
    let (now, tokens, made, go) = (Moment::now(), Tokens::default(), AtomicU32::new(0), Notify::new());
    let make = |name: &'static str| {
        let (made, go) = (&made, &go);
        async move {
            made.fetch_add(1, Ordering::Relaxed);
            go.notified().await;
            Ok(token(name, now, 3600))
        }
    };
    let (first, second, third, ()) = tokio::join!(
        tokens.get(KEY, now, make("first")),
        tokens.get(KEY, now, make("second")),
        tokens.get(KEY, now, make("third")),
        async { go.notify_one() },
    );
    let names = [first, second, third].map(|token| token.unwrap().it.expose().to_owned());
    assert_eq!(names, ["first", "first", "first"]);
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn whoever_waited_for_a_refusal_has_it_too() {
    let (now, tokens, made, go) = (Moment::now(), Tokens::<Secret>::default(), AtomicU32::new(0), Notify::new());
    let make = || async {
        made.fetch_add(1, Ordering::Relaxed);
        go.notified().await;
        Err(refused())
    };
    let (first, second, ()) =
        tokio::join!(tokens.get(KEY, now, make()), tokens.get(KEY, now, make()), async { go.notify_one() });
    assert!(first.is_err() && second.is_err());
    assert_eq!(made.load(Ordering::Relaxed), 1, "the second does not ask again what was just refused");
}

#[tokio::test]
async fn a_request_that_was_given_up_leaves_the_turn_to_the_next() {
    let (now, tokens) = (Moment::now(), Tokens::default());
    let never = tokens.get(KEY, now, std::future::pending());
    let given_up = tokio::select! {
        biased;
        _ = never => false,
        () = std::future::ready(()) => true,
    };
    assert!(given_up);
    assert_eq!(get(&tokens, now, Ok(token("next", now, 3600))).await.unwrap(), "next");
}

#[tokio::test]
async fn a_refused_token_is_forgotten_unless_it_is_new() {
    let start = Moment::now();
    let check = async |asked: Moment, expected: bool| {
        let tokens = Tokens::default();
        get(&tokens, start, Ok(token("old", start, 3600))).await.unwrap();
        assert_eq!(tokens.forget(&KEY, asked.steady), expected);
        let next = get(&tokens, start, Ok(token("new", start, 3600))).await.unwrap();
        assert_eq!(next, if expected { "new" } else { "old" });
    };
    // Made for the very request that was refused: another one would be refused too.
    check(start, false).await;
    check(start.after(1, 1), true).await;
    assert!(!Tokens::<Secret>::default().forget(&KEY, start.steady), "there is none");
}

#[tokio::test]
async fn a_token_that_is_not_wanted_any_more_is_forgotten() {
    let start = Moment::now();
    let check = async |wanted: &str, expected: &str| {
        let tokens = Tokens::default();
        get(&tokens, start, Ok(token("old", start, 3600))).await.unwrap();
        tokens.forget_unless(&KEY, |token| token.expose() == wanted);
        assert_eq!(get(&tokens, start, Ok(token("new", start, 3600))).await.unwrap(), expected, "{wanted}");
    };
    check("old", "old").await;
    check("another", "new").await;
}

#[test]
fn a_token_is_never_printed() {
    let shown = format!("{:?}", token("canary", Moment::now(), 60));
    assert!(!shown.contains("canary"), "{shown}");
}
