// Tests that run the program and ask it over sockets.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/reproducible.h"
#include "tests/base/wait_until.h"
#include "tests/server/http_client.h"
#include "tests/server/served_world.h"
#include "tests/server/server_process.h"

namespace serendip::server {

inline const bool kReproducible = (use_reproducible_products(), true);

class ServeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TemporaryFolder();
    write_world(folder->path());
  }
  static void TearDownTestSuite() { delete folder; }
  // However busy the machine is, nothing waits too long unless the test says so.
  static std::unique_ptr<ServerProcess> start(std::vector<std::string> settings = {}) {
    settings.insert(settings.begin(), {"serve.max_wait_ms=60000", "serve.request_seconds=60"});
    return std::make_unique<ServerProcess>(folder->path(), settings);
  }
  static double metric(int port, const std::string& name) {
    const std::string text = HttpClient(port).get("/metrics").body;
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  // Recommendations that have come as far as the batch.
  static bool wait_until_planned(int port, int count) {
    return wait_until(
        [&] { return metric(port, R"(serendip_stage_seconds_count{stage="plan"})") >= count; });
  }
  static void expect_problem(const HttpAnswer& answer, int status, const std::string& detail) {
    EXPECT_EQ(answer.status, status) << answer.body;
    ASSERT_EQ(answer.headers.count("content-type"), 1u) << detail;
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(answer.json().at("status"), status);
    EXPECT_NE(answer.json().at("detail").get<std::string>().find(detail), std::string::npos)
        << answer.body;
  }
  static inline TemporaryFolder* folder = nullptr;
};

constexpr const char* kUser = R"({"user": "user3", "seed": 5, "now": 100, "k": 3})";

}  // namespace serendip::server
