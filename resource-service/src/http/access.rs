//! What a token must show to reach a route. A handler that takes `Guarded<ReadNotes>` is reached by nobody else.

use common::{require_role, require_scope};

require_scope!(pub ReadNotes, "notes:read");
require_scope!(pub WriteNotes, "notes:write");
require_role!(pub Admin, "admin");
