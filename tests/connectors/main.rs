//! Connectors on the real services. `make test` starts these and says where they are.

mod opensearch;
