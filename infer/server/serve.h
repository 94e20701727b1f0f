// The server as a process: ports, signals, the end.
#pragma once

#include <cstdint>

#include "infer/server/options.h"
#include "infer/server/snapshot.h"

namespace serendip::server {

// Serves until SIGTERM or SIGINT, then answers what is under way and returns; SIGHUP reloads. Logs
// "ready: …" with the addresses once requests are answered. Throws Error where the files cannot be
// served or the ports are taken.
void serve(const ServeOptions& options, const SnapshotFiles& files, const MiningRule& rule);

}  // namespace serendip::server
