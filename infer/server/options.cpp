#include "infer/server/options.h"

namespace serendip::server {

void ServeOptions::declare(OptionSet& set) {
  const auto from = [](int64_t low) { return at_least(low); };
  set.add("address", address, "where to listen; 0.0.0.0 is everywhere");
  set.add("port", port, "TCP port; 0 takes a free one", within(int64_t{0}, 65535));
  set.add("admin_port", admin_port, "of /admin/reload, on 127.0.0.1 alone; 0 takes a free one",
          within(int64_t{0}, 65535));
  set.add("workers", workers, "threads that read requests and write answers", from(1));
  set.add("queue", queue, "recommendations under way, beyond which the answer is 503", from(1));
  set.add("max_wait_ms", max_wait_ms, "waiting for a worker or the model, beyond which it is 503",
          above(0.0));
  set.add("batch", batch, "histories that the model reads at once", from(1));
  set.add("batch_wait_ms", batch_wait_ms, "how long a history waits for others to join it",
          at_least(0.0));
  set.add("max_body_bytes", max_body_bytes, "of a request", from(1024));
  set.add("max_history", max_history, "events of a request", from(1));
  set.add("max_connections", max_connections, "open at a time; more wait to be accepted", from(1));
  set.add("idle_seconds", idle_seconds, "until a connection without a request is closed",
          above(0.0));
  set.add("request_seconds", request_seconds, "for a client to send a request or take an answer",
          above(0.0));
  set.add("drain_seconds", drain_seconds, "for requests under way after SIGTERM", at_least(0.0));
  set.add("history_days", history_days, "of the history that contexts are sampled from",
          above(0.0));
  set.add("token_file", token_file, "file with the token that clients must bear; empty: none");
  set.add("access_log", access_log, "file of one JSON line a request; -: stdout; empty: none");
}

}  // namespace serendip::server
