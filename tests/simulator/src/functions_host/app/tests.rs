//! Reading the product's own app, and variations of it.

use super::*;

const SETTINGS: [(&str, &str); 3] = [
    ("VAULTBIND_REQUESTS_QUEUE", "requests"),
    ("VAULTBIND_RESYNC_SCHEDULE", "0 0 */6 * * *"),
    (
        "ServiceBus__fullyQualifiedNamespace",
        "sim.servicebus.windows.net",
    ),
];

fn product(settings: &[(&str, &str)]) -> App {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    App::read(&root, &Settings::only(settings)).unwrap()
}

#[test]
fn the_products_own_app_is_read() {
    let app = product(&SETTINGS);
    let names: Vec<&str> = app
        .functions
        .iter()
        .map(|function| function.name.as_str())
        .collect();
    assert_eq!(names, ["reconcile", "resource-event", "resync"]);
    assert!(app.errors.is_empty(), "{:?}", app.errors);
    assert_eq!(app.function_timeout, Some(Duration::from_secs(120)));
    assert_eq!(app.arguments, ["serve"]);
    let trigger = &app.function("reconcile").unwrap().trigger;
    assert!(
        matches!(trigger, Trigger::ServiceBus(source) if source.queue == "requests" && source.sessions),
        "{trigger:?}"
    );
}

#[test]
fn a_missing_setting_takes_out_one_function_alone() {
    let app = product(&SETTINGS[..1]);
    let names: Vec<&str> = app
        .functions
        .iter()
        .map(|function| function.name.as_str())
        .collect();
    assert_eq!(names, ["resource-event"]);
    assert!(
        app.errors
            .iter()
            .any(|e| e.contains("'resync'") && e.contains("%VAULTBIND_RESYNC_SCHEDULE%")),
        "{:?}",
        app.errors
    );
    assert!(
        app.errors.iter().any(|e| e.contains("'reconcile'")),
        "{:?}",
        app.errors
    );
}

#[test]
fn a_function_that_is_switched_off_is_left_out_without_an_error() {
    let mut settings = SETTINGS.to_vec();
    settings.push(("AzureWebJobs.resource-event.Disabled", "true"));
    let app = product(&settings);
    assert!(app.function("resource-event").is_none() && app.errors.is_empty());
}

#[test]
fn settings_override_the_program_and_the_time() {
    let mut settings = SETTINGS.to_vec();
    settings.push((
        "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath",
        "/bin/other",
    ));
    settings.push(("AzureFunctionsJobHost__functionTimeout", "00:00:02"));
    settings.push((
        "AzureFunctionsJobHost__customHandler__description__arguments",
        "[\"one two\", \"%NONE%x\"]",
    ));
    let app = product(&settings);
    assert_eq!(app.program, Path::new("/bin/other"));
    assert_eq!(app.function_timeout, Some(Duration::from_secs(2)));
    assert_eq!(app.arguments, ["one", "two", "x"], "nothing is quoted");
}

#[test]
fn time_spans_are_read_as_dotnet_reads_them() {
    assert_eq!(time_span("00:00:30").unwrap(), Duration::from_secs(30));
    assert_eq!(
        time_span("1.02:00:00.5").unwrap(),
        Duration::from_secs(26 * 3600) + Duration::from_millis(500)
    );
    assert_eq!(function_timeout("-1").unwrap(), None);
    assert!(time_span("30").is_err() && time_span("soon").is_err());
}
