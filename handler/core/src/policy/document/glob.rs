//! Globs of ids in a policy file.
//!
//! It must not take a glob that no id can match: what it was to cover would go uncovered.

use crate::{
    policy::id_glob::{IdGlob, Shape},
    yaml::{
        node::{Node, every},
        problem::Problems,
    },
};

/// Globs of clusters' ids, at least one.
pub(super) fn clusters(node: Node<'_>, problems: &mut Problems) -> Option<Vec<IdGlob>> {
    let items = node.items("clusters", problems)?;
    if items.is_empty() {
        problems.at(node, "`clusters` is empty".to_owned());
        return None;
    }
    let shape = Shape::cluster();
    every(items, problems, |node, problems| {
        glob(node, &shape, problems)
    })
}

fn glob(node: Node<'_>, shape: &Shape, problems: &mut Problems) -> Option<IdGlob> {
    let text = node.text("an id or a glob of ids", problems)?;
    let glob = IdGlob::new(&text);
    if !glob.can_match(shape) {
        let noun = shape.noun();
        let message = format!("`{}` matches no id of a {noun}", text.escape_debug());
        problems.hinted(node, message, hint(&text, shape));
        return None;
    }
    Some(glob)
}

/// What was probably meant: the nearest glob that can match, else what the ids look like.
fn hint(text: &str, shape: &Shape) -> String {
    let noun = shape.noun();
    let sound = |glob: &String| IdGlob::new(glob).can_match(shape);
    let base = text.trim_end_matches('/');
    let whole = Some(base.to_owned());
    let ends_open = base.ends_with('*');
    let longer = (!ends_open).then(|| format!("{base}*"));
    let below = (!ends_open).then(|| format!("{base}/**"));
    let anywhere = Some(format!("**/{}", base.trim_start_matches('/')));
    let shown = |glob: String| glob.escape_debug().to_string();
    let found = |glob: Option<String>| glob.filter(sound).map(shown);
    if let Some(glob) = found(whole) {
        format!("an id has no slash at its end; write `{glob}`")
    } else if let Some(glob) = widened(base).find(sound).map(shown) {
        format!("`*` stays within a segment, `**` crosses segments; write `{glob}`")
    } else if let Some(glob) = found(longer) {
        format!("write `{glob}` for every {noun} whose name begins so")
    } else if let Some(glob) = found(below) {
        format!("write `{glob}` for every {noun} in it")
    } else if let Some(glob) = found(anywhere) {
        format!("an id begins with /subscriptions/; write `{glob}`")
    } else {
        let written = shape.written();
        format!("an id of a {noun} is {written}; `*` stays within a segment")
    }
}

/// The segments of an id: so many stars are tried one by one, whatever stands in the file.
const SEGMENTS: usize = 8;

/// The glob with one of its stars made two, then with all; none where its author knows two stars.
fn widened(text: &str) -> impl Iterator<Item = String> {
    let stars = text.match_indices('*').filter(|_| !text.contains("**"));
    let one = stars
        .take(SEGMENTS)
        .map(|(at, _)| format!("{}*{}", &text[..at], &text[at..]));
    one.chain((!text.contains("**")).then(|| text.replace('*', "**")))
}
