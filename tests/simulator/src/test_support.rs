//! What the unit tests of several modules share: a world without an estate, a server.
//! Nothing here is part of the simulator.

use axum::Router;

use crate::World;

/// A world in which nothing exists yet.
pub(crate) fn world() -> World {
    World::new(crate::Config::default(), crate::Estate::new())
}

/// Serves on a free loopback port for as long as the test runs, and returns the base URL.
pub(crate) async fn serve(router: Router) -> String {
    let server = crate::loopback::Server::start(router, 0).await.unwrap();
    let url = format!("http://{}", server.address());
    std::mem::forget(server);
    url
}
