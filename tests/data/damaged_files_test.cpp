// Files cut short or with bits turned over: an error or some result, never a crash and never
// without end. HDF5 and Parquet pages carry no checksums here; that changed values do not pass
// unseen is the stage manifests' part.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "base/check.h"
#include "base/file.h"
#include "base/manifest.h"
#include "base/random.h"
#include "data/dataset.h"
#include "data/event_chunks.h"
#include "tests/base/temporary_folder.h"
#include "tests/data/parquet_fixture.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

// 0: read, 1: refused with an Error, else what ended the process.
int read_apart(const std::function<void()>& read) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    try {
      read();
    } catch (const Error&) {
      _exit(1);
    } catch (...) {
      _exit(99);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

// Returns how many damaged files were refused.
int expect_no_crash(const fs::path& path, int cases, const std::function<void()>& read) {
  const std::string whole = read_file(path);
  int refused = 0;
  for (int trial = 0; trial < cases; ++trial) {
    Random random(1, static_cast<uint64_t>(trial));
    std::string damaged = whole;
    if (trial % 3 == 0) damaged.resize(random.below(whole.size()));
    if (trial % 3 == 1) damaged[random.below(damaged.size())] ^= static_cast<char>(1 << trial % 8);
    if (trial % 3 == 2)
      for (int i = 0; i < 64; ++i)
        damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    write_file(path, damaged);
    const int end = read_apart(read);
    EXPECT_LE(end, 1) << path.filename() << ", trial " << trial;
    refused += end == 1;
  }
  return refused;
}

TEST(DamagedFiles, DataH5) {
  const TemporaryFolder folder;
  Dataset data;
  data.item_id = data.item_title = data.item_text = {"a", "b", "c"};
  data.user_offset = {0};
  for (int user = 0; user < 40; ++user) {
    data.user_id.push_back("user" + std::to_string(user));
    for (int event = 0; event < 10; ++event) {
      data.event_item.push_back(event % 3);
      data.event_time.push_back(event);
      data.event_reward.push_back(1);
    }
    data.user_offset.push_back(data.event_count());
  }
  const fs::path path = folder / "data.h5";
  const auto save = [&] {
    save_dataset(data, path);
    return nlohmann::json();
  };
  const auto read = [&] {
    load_dataset(path);
    return nlohmann::json();
  };
  run_stage(folder.path(), {"import", "", {}, {path}, save});
  const int refused = expect_no_crash(path, 150, [&] {
    run_stage(folder.path(), {"read", "", {path}, {}, read});
  });
  EXPECT_EQ(refused, 150);
}

TEST(DamagedFiles, ParquetEvents) {
  const TemporaryFolder folder;
  const fs::path path = folder / "events.parquet";
  ParquetEvents events;
  for (int row = 0; row < 40; ++row) {
    events.user.push_back("user" + std::to_string(row % 7));
    events.item.push_back(row % 5);
    events.milliseconds.push_back(1000 * row);
    events.rating.push_back(3.5);
  }
  write_parquet_events(path, events);
  const int refused = expect_no_crash(path, 150, [&] {
    EventChunks chunks(path, {"user", "item", "time", "rating"}, {});
    for (EventChunk chunk; chunks.next(chunk);) {
    }
  });
  EXPECT_GT(refused, 60);  // every one cut short, and more
}

}  // namespace
}  // namespace serendip
