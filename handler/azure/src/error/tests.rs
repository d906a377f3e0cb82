use super::*;

#[test]
fn a_status_is_classified_by_what_it_means() {
    for (status, kind) in [
        (400, Kind::Invalid),
        (401, Kind::Unauthenticated),
        (403, Kind::Denied),
        (404, Kind::NotFound),
        (408, Kind::Unavailable),
        (409, Kind::Conflict),
        (410, Kind::NotFound),
        (412, Kind::PreconditionFailed),
        (422, Kind::Invalid),
        (429, Kind::Throttled),
        (500, Kind::Unavailable),
        (502, Kind::Unavailable),
        (503, Kind::Unavailable),
        (504, Kind::Unavailable),
        (301, Kind::Invalid),
        (307, Kind::Invalid),
    ] {
        assert_eq!(
            Error::answered("read", "it", status, None, None).kind(),
            kind,
            "{status}"
        );
    }
    let asked = Some(Duration::from_secs(5));
    assert_eq!(
        Error::answered("read", "it", 503, None, asked).kind(),
        Kind::Throttled
    );
}

#[test]
fn a_resource_of_another_directory_is_denied_and_no_new_token_is_asked_for() {
    let kind = |code| Error::answered("read", "it", 401, code, None).kind();
    assert_eq!(kind(Some("InvalidAuthenticationTokenTenant")), Kind::Denied);
    assert_eq!(
        kind(Some("ExpiredAuthenticationToken")),
        Kind::Unauthenticated
    );
}

#[test]
fn no_service_is_waited_for_longer_than_an_hour() {
    let error = Error::answered("read", "it", 429, None, Some(Duration::from_secs(86_400)));
    assert_eq!(error.retry_after(), Some(MAX_RETRY_AFTER));
}

#[test]
fn an_error_says_what_failed_on_which_resource_and_why() {
    let said = ErrorDetail::read(
        br#"{"error":{"code":"AuthorizationFailed","message":"The client\r\nhas no right"}}"#,
    );
    let answer = Answered {
        status: 403,
        said,
        request_id: Some("r-1".to_owned()),
        retry_after: None,
    };
    let error = Error::of_answer("set the archive of", "/subscriptions/s/clusters/c1", answer);
    assert_eq!(
        error.to_string(),
        "cannot set the archive of /subscriptions/s/clusters/c1: access denied (403 AuthorizationFailed): \
         The client  has no right [request r-1]"
    );
}

#[test]
fn an_error_body_may_have_any_form() {
    for (body, code) in [
        (r#"{"error":{"code":"A","message":"m"}}"#, Some("A")),
        (r#"{"code":"A","message":"m"}"#, Some("A")),
        (r#"{"error":"text"}"#, None),
        ("<html>502</html>", None),
        ("", None),
    ] {
        assert_eq!(
            ErrorDetail::read(body.as_bytes())
                .codes
                .first()
                .map(String::as_str),
            code,
            "{body}"
        );
    }
}
