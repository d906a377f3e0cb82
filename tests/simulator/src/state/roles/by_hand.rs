//! What people do to role assignments.
//! It asks for no right, and answers nobody.

use super::super::{Azure, Kind, key};
use super::Request;

impl Azure {
    /// Gives a principal a role on a scope, long ago and without an event; returns the id of the assignment.
    pub fn grant(&mut self, principal_id: &str, role: &str, scope: &str) -> String {
        let name = self.make_id(&format!("assignment/{scope}/{role}/{principal_id}"));
        let request = Request {
            name,
            scope: scope.to_owned(),
            role: role.to_owned(),
            principal_id: principal_id.to_owned(),
            ..Request::default()
        };
        let kind = self
            .directory
            .by_object_id(principal_id)
            .map_or("ServicePrincipal", |p| p.kind.name());
        let mut assignment = self.keep(request, kind, "");
        assignment.unseen_for = 0;
        assignment.created_on -= time::Duration::days(30);
        assignment.updated_on = assignment.created_on;
        let id = assignment.id.clone();
        self.assignments.insert(key(&id), assignment);
        id
    }

    /// Puts a condition on an assignment, as a person could.
    pub fn set_condition(&mut self, assignment_id: &str, condition: &str) {
        if let Some(assignment) = self.assignments.get_mut(&key(assignment_id)) {
            assignment.condition = Some(condition.to_owned());
        }
    }

    /// Removes an assignment, as a person could; nothing where there is none.
    pub fn remove_assignment(&mut self, assignment_id: &str) {
        if let Some(gone) = self.assignments.remove(&key(assignment_id)) {
            self.raise_foreign(
                &gone.id,
                "Microsoft.Authorization/roleAssignments/delete",
                Kind::Delete,
            );
        }
    }
}
