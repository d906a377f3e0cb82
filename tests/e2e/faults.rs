//! The fault matrix: every call that the product makes, befallen by every fault, once, a few times and for ever.
//!
//! Whatever comes of it: nothing is acknowledged without effect, no success is claimed falsely, it ends by the deadline,
//! no invocation outlives its own, and nothing becomes a hot loop. The table stands in `tests/README.md`.

mod calls;
mod cell;
mod codes;
mod truth;

use std::{fmt::Write as _, sync::Arc};

use tokio::sync::Semaphore;
use vaultbind_simulator::{faults::Fault, state::Ending, tell};

use crate::town::root;
use calls::{Named, TARGETS, Target, Trouble, endings, faults};
use cell::{A_DAY, AN_HOUR, EVER, Outcome};

/// How many towns there are at a time. Those whose calls hang only wait, so that they all do it side by side.
const TOWNS: usize = 40;
const WAITING_TOWNS: usize = 100;

/// Times that a fault befalls its call.
const TIMES: [usize; 3] = [1, 4, EVER];

/// A row of the matrix: a call, what befalls it, and what came of it once, a few times and for ever.
struct Row {
    target: Target,
    trouble: Named,
    outcomes: Vec<Outcome>,
}

/// A cluster that is busy takes no second change; and how many looks lose their locks at one call, when each brings on
/// another look, depends on which of them is faster.
fn happens_once(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Ending(Ending::Never) | Trouble::Fault(Fault::LoseLock)
    )
}

fn troubles(target: Target) -> Vec<Named> {
    let endings = endings().into_iter().filter(|_| target.name == "PATCH");
    faults().into_iter().chain(endings).collect()
}

async fn row(target: Target, trouble: Named, towns: Arc<Semaphore>, hours: u64) -> Row {
    let times = TIMES
        .into_iter()
        .take(if happens_once(&trouble.trouble) { 1 } else { 3 });
    let cells = times.map(|times| {
        let (towns, trouble) = (Arc::clone(&towns), trouble.trouble.clone());
        tokio::spawn(async move {
            let _one = towns.acquire().await.unwrap();
            cell::run(target, trouble, times, hours).await
        })
    });
    let mut outcomes = Vec::new();
    for cell in cells.collect::<Vec<_>>() {
        outcomes.push(cell.await.unwrap());
    }
    Row {
        target,
        trouble,
        outcomes,
    }
}

/// Runs these rows side by side, and comes back with them in their order.
async fn matrix(rows: Vec<(Target, Named)>, hours: u64) -> Vec<Row> {
    let [towns, waiting] = [TOWNS, WAITING_TOWNS].map(|count| Arc::new(Semaphore::new(count)));
    let rows = rows.into_iter().map(|(target, trouble)| {
        let hangs = matches!(trouble.trouble, Trouble::Fault(Fault::Hang));
        // Where neither queue takes a message a delivery is held back, in real time.
        let waits = hangs || target.is_sending();
        let towns = if waits { &waiting } else { &towns };
        tokio::spawn(row(target, trouble, Arc::clone(towns), hours))
    });
    let mut matrix = Vec::new();
    for row in rows.collect::<Vec<_>>() {
        matrix.push(row.await.unwrap());
    }
    matrix
}

/// Every call with everything that befalls it.
fn rows() -> Vec<(Target, Named)> {
    let of_target = |target: Target| troubles(target).into_iter().map(move |it| (target, it));
    TARGETS.into_iter().flat_map(of_target).collect()
}

/// What came of a row, as its cells.
fn cells(row: &Row) -> [&str; 3] {
    let ending = |at: usize| {
        row.outcomes
            .get(at)
            .map_or("not tried", |it| it.ending.as_str())
    };
    [ending(0), ending(1), ending(2)]
}

/// The table, in which the faults of a call that come to the same share a line; and how many cells there are.
fn table(matrix: &[Row]) -> (String, usize) {
    let tried: usize = matrix.iter().map(|row| row.outcomes.len()).sum();
    let mut text = format!(
        "{tried} cells: {} calls, {} faults, and {} ways in which a change ends.\n\n\
         | call | faults | once | 4 times | for ever |\n|---|---|---|---|---|\n",
        TARGETS.len(),
        faults().len(),
        endings().len()
    );
    for target in TARGETS {
        let rows = || matrix.iter().filter(|row| row.target.name == target.name);
        let mut lines: Vec<([&str; 3], Vec<&str>)> = Vec::new();
        for row in rows() {
            match lines.iter_mut().find(|line| line.0 == cells(row)) {
                Some(line) => line.1.push(row.trouble.name),
                None => lines.push((cells(row), vec![row.trouble.name])),
            }
        }
        for (cells, faults) in lines {
            writeln!(
                text,
                "| {} | {} | {} |",
                target.name,
                faults.join("; "),
                cells.join(" | ")
            )
            .unwrap();
        }
    }
    (text, tried)
}

/// What passes and passes soon does no harm.
fn assert_what_passes_is_survived(matrix: &[Row]) {
    for row in matrix.iter().filter(|row| row.trouble.passes) {
        let [once, few, _] = cells(row);
        let what = format!("{} befallen by {}", row.target.name, row.trouble.name);
        assert!(
            once == "bound" && ["bound", "not tried"].contains(&few),
            "{what}: {once}, {few}"
        );
        // What was processed although its answer was lost is not asked for again.
        let strikes: Vec<usize> = row.outcomes.iter().map(|it| it.strikes).collect();
        assert!(
            strikes[0] == 1 && strikes.get(1).is_none_or(|few| *few <= 4),
            "{what}: {strikes:?}"
        );
    }
}

/// The table by code, in which the calls that a code means the same for share a line.
fn table_by_code(matrix: &[Row]) -> String {
    let mut text =
        "| code | calls | once | 4 times | for ever |\n|---|---|---|---|---|\n".to_owned();
    let mut lines: Vec<(&str, [&str; 3], Vec<&str>)> = Vec::new();
    for row in matrix {
        let (code, call) = (row.trouble.name, codes::call(row.target, &row.trouble));
        match lines
            .iter_mut()
            .find(|line| line.0 == code && line.1 == cells(row))
        {
            Some(line) => line.2.push(call),
            None => lines.push((code, cells(row), vec![call])),
        }
    }
    for (code, cells, calls) in lines {
        let code = code.replace('>', " around ");
        let (calls, cells) = (calls.join("; "), cells.join(" | "));
        writeln!(text, "| {code} | {calls} | {cells} |").unwrap();
    }
    text
}

/// Puts a table into tests/README.md, or holds it against what stands there.
fn compare(name: &str, table: &str) {
    let path = root().join("tests/README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = readme.split_once(&begin).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = format!("{before}{begin}{table}<!-- end -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
        return;
    }
    let is_new = |line: &&str| !readme.lines().any(|old| old == *line);
    let fresh: Vec<&str> = expected.lines().filter(is_new).collect();
    assert!(
        readme == expected,
        "UPDATE_EXPECT=1 writes tests/README.md anew; it does not have {fresh:#?}"
    );
}

/// The pages say how many there are.
fn assert_counted(claim: &str) {
    for page in ["README.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(claim), "{page} does not say: {claim}");
    }
}

/// What a person has to lift is told within the hour, and what coalescing and the queue's whole seconds add.
fn assert_told_in_time(matrix: &[Row]) {
    let limit = time::Duration::HOUR + time::Duration::minutes(2);
    for row in matrix {
        for outcome in &row.outcomes {
            let call = codes::call(row.target, &row.trouble);
            let (code, told) = (row.trouble.name, outcome.told);
            assert!(
                told < limit,
                "{call} answered with {code}: told after {told}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_fail_in_every_way() {
    let matrix = matrix(rows(), AN_HOUR).await;
    assert_what_passes_is_survived(&matrix);
    let (table, tried) = table(&matrix);
    let outcomes = || matrix.iter().flat_map(|row| &row.outcomes);
    let strikes: usize = outcomes().map(|it| it.strikes).sum();
    let busiest = outcomes().map(|it| it.busiest).max().unwrap_or_default();
    tell(&format!(
        "{tried} faults tried, {strikes} calls struck, {busiest} calls in the busiest minute"
    ));
    assert_counted(&format!("{tried} faults are tried"));
    compare("fault matrix", &table);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_told_within_the_hour_whichever_call_it_answers() {
    let matrix = matrix(codes::rows(), A_DAY).await;
    assert_told_in_time(&matrix);
    let tried: usize = matrix.iter().map(|row| row.outcomes.len()).sum();
    tell(&format!("{tried} answers by code tried"));
    assert_counted(&format!("{tried} refusals by code"));
    compare("codes", &table_by_code(&matrix));
}
