//! OpenSearch (and Elasticsearch 7): a bulk sink, and a bounded read of an index (ours).
