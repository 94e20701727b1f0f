// The server as its users meet it: a process, over sockets.
#include "tests/server/serve_test.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "infer/server/recommend.h"

namespace serendip::server {
namespace {

TEST_F(ServeTest, AnswersEveryRoute) {
  const auto server = start();
  HttpClient client(server->port());
  EXPECT_EQ(client.get("/healthz").json().at("status"), "ok");
  const HttpAnswer ready = client.get("/readyz");
  const std::string version = ready.json().at("version");
  EXPECT_EQ(version.size(), 16u);
  const HttpAnswer page = client.get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(page.headers.at("content-security-policy").find("default-src 'none'"),
            std::string::npos);

  const HttpAnswer row = client.get("/v1/interests?context=4,5&k=2");
  EXPECT_EQ(row.status, 200);
  EXPECT_EQ(row.json().at("interests")[1].at("cluster"), world_label(4, 5, 1, 0));
  EXPECT_EQ(client.get("/v1/clusters").json().at("clusters").size(), 8u);
  EXPECT_EQ(client.get("/v1/clusters/3").json().at("description"), "level 2 cluster 3");

  const HttpAnswer one = client.post("/v1/recommend", kUser);
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(one.json().at("version"), version);
  // What the library gives, byte by byte.
  const Snapshot snapshot(world_files(folder->path()), {2, Novelty::kHistory, 1.0f});
  Plan plan = plan_recommendation(snapshot, parse_recommend(kUser, {}), 30 * 86'400);
  const auto lists = snapshot.recommender.recommend_each({model_request(plan)});
  EXPECT_EQ(one.body, recommendation_answer(snapshot, plan, lists[0]).dump() + "\n");
  const HttpAnswer batch =
      client.post("/v1/recommend:batch", std::string(R"({"requests": [{"user": "nobody"}, )") +
                                             kUser + ", " + kUser + "]}");
  ASSERT_EQ(batch.status, 200) << batch.body;
  EXPECT_EQ(batch.json().at("answers")[0].at("fallbacks")[0], "unknown_user");
  EXPECT_EQ(batch.json().at("answers")[1], one.json());
  EXPECT_EQ(batch.json().at("answers")[2], one.json());
  EXPECT_NE(client.post("/v1/recommend", R"({"user": "user3"})").json().at("seed"),
            client.post("/v1/recommend", R"({"user": "user3"})").json().at("seed"));

  const std::string metrics = client.get("/metrics").body;
  for (const std::string& line :
       {std::string(R"(serendip_requests_total{route="recommend",status="200"} 3)"),
        std::string(R"(serendip_fallbacks_total{fallback="unknown_user"} 1)"),
        "serendip_snapshot_served{version=\"" + version + "\"} 1",
        std::string(R"(serendip_stage_seconds_count{stage="model"} 4)")})
    EXPECT_NE(metrics.find(line), std::string::npos) << line << "\n" << metrics;

  server->send_signal(SIGTERM);
  EXPECT_EQ(server->wait_for_exit(), 0);
  std::istringstream lines(server->access_log());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    const auto entry = nlohmann::json::parse(line);
    EXPECT_EQ(entry.at("remote"), "127.0.0.1");
    count += entry.at("path") == "/v1/recommend" && entry.at("status") == 200;
  }
  EXPECT_EQ(count, 3) << server->access_log();
}

TEST_F(ServeTest, PipelinedAndContinuedRequestsAreAnswered) {
  const auto server = start();
  HttpClient client(server->port());
  client.send(get_text("/healthz") + post_text("/v1/recommend", kUser) + get_text("/readyz"));
  EXPECT_EQ(client.receive().json().at("status"), "ok");
  EXPECT_EQ(client.receive().json().at("seed"), 5);
  EXPECT_EQ(client.receive().json().at("status"), "ready");
  client.send("POST /v1/recommend HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " +
              std::to_string(std::string(kUser).size()) + "\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send(kUser);
  EXPECT_EQ(client.receive().json().at("seed"), 5);
}

TEST_F(ServeTest, BeyondTheQueueItSaysWhenToComeBack) {
  const auto server = start({"serve.queue=1", "serve.batch_wait_ms=3000"});
  HttpClient first(server->port()), second(server->port());
  // 200 where the first was answered too soon to be in the way.
  HttpAnswer refused{200, {}, {}};
  for (int tries = 0; tries < 5 && refused.status == 200; ++tries) {
    first.send(post_text("/v1/recommend", kUser));
    ASSERT_TRUE(wait_until_planned(server->port(), 2 * tries + 1));
    refused = second.post("/v1/recommend", kUser);
    EXPECT_EQ(second.get("/v1/interests?context=1,2").status, 200);
    EXPECT_EQ(first.receive().status, 200);
  }
  expect_problem(refused, 503, "1 recommendations are under way");
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(second.post("/v1/recommend", kUser).status, 200);
}

TEST_F(ServeTest, WaitingTooLongIsRefused) {
  const auto server = start({"serve.batch_wait_ms=300", "serve.max_wait_ms=50"});
  expect_problem(HttpClient(server->port()).post("/v1/recommend", kUser), 503, "waited too long");
}

TEST_F(ServeTest, RequestsShareABatchAndGetTheSameAnswers) {
  const auto alone = start();
  const auto batching = start({"serve.batch=10", "serve.batch_wait_ms=60000"});
  std::vector<HttpClient> clients;
  for (int user = 0; user < 10; ++user) {
    clients.emplace_back(batching->port());
    clients.back().send(post_text("/v1/recommend", "{\"user\": \"user" + std::to_string(user) +
                                                       "\", \"seed\": 1, \"now\": 100}"));
  }
  HttpClient one(alone->port());
  for (int user = 0; user < 10; ++user)
    EXPECT_EQ(clients[static_cast<size_t>(user)].receive().body,
              one.post("/v1/recommend", "{\"user\": \"user" + std::to_string(user) +
                                            "\", \"seed\": 1, \"now\": 100}")
                  .body);
  EXPECT_EQ(metric(batching->port(), "serendip_batch_histories_count"), 1);
}

TEST_F(ServeTest, ATokenIsAskedFor) {
  write_file(*folder / "token", "secret\n");
  const auto server = start({"serve.token_file=" + (*folder / "token").string()});
  HttpClient client(server->port());
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.get("/readyz").status, 200);
  const std::string json = "Content-Type: application/json\r\n";
  for (const char* header : {"", "Authorization: Bearer wrong\r\n", "Authorization: secret\r\n",
                             "Authorization: Bearer secret2\r\n", "Authorization: Bearer \r\n"}) {
    const HttpAnswer refused = client.post("/v1/recommend", kUser, json + header);
    expect_problem(refused, 401, "Authorization");
    EXPECT_EQ(refused.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(client.get("/metrics", header).status, 401);
    EXPECT_EQ(HttpClient(server->admin_port()).post("/admin/reload", "", header).status, 401);
  }
  const std::string good = "Authorization: Bearer secret\r\n";
  EXPECT_EQ(client.post("/v1/recommend", kUser, json + good).status, 200);
  EXPECT_EQ(HttpClient(server->admin_port()).post("/admin/reload", "", good).status, 200);
}

// Every answer is wholly of the version that it names, and none fails.
TEST_F(ServeTest, ReloadsUnderLoadWithoutMixing) {
  const TemporaryFolder own;
  std::filesystem::copy(folder->path(), own.path(), std::filesystem::copy_options::recursive);
  const ServerProcess server(
      own.path(), {"serve.workers=2", "serve.max_wait_ms=60000", "serve.request_seconds=60"});
  std::atomic<bool> stop = false;
  std::atomic<int> bad = 0;
  std::mutex mutex;
  std::map<std::string, std::set<int>> editions;  // seen with a version
  const auto ask = [&](int client_number) {
    HttpClient client(server.port());
    for (int count = 0; !stop; ++count) {
      int edition = 0;
      nlohmann::json answer;
      if ((count + client_number) % 2 == 0) {
        const HttpAnswer row = client.get("/v1/interests?context=4,5");
        if (row.status != 200) {
          ++bad;
          continue;
        }
        answer = row.json();
        edition = (answer["interests"][0]["cluster"].get<int>() - (3 * 4 + 5)) % 8;
      } else {
        // Two events of two clusters: the row's first label but those two.
        const HttpAnswer items = client.post("/v1/recommend", kUser);
        if (items.status != 200) {
          ++bad;
          continue;
        }
        answer = items.json();
        continue;
      }
      const std::lock_guard lock(mutex);
      editions[answer["version"]].insert((edition + 8) % 8);
    }
  };
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) clients.emplace_back(ask, client);
  const auto served = [&]() -> std::string {
    return HttpClient(server.port()).get("/readyz").json().at("version");
  };
  std::set<std::string> versions;
  for (int edition = 1; edition <= 6; ++edition) {
    write_world_table(own / "table.h5", edition);
    const std::string before = served();
    if (edition % 2 == 0) {
      HttpAnswer reloaded;
      // 409 while the reload before is not over, though its version is served.
      EXPECT_TRUE(wait_until([&] {
        reloaded = HttpClient(server.admin_port()).post("/admin/reload", "", "");
        return reloaded.status != 409;
      }));
      EXPECT_EQ(reloaded.status, 200) << reloaded.body;
      EXPECT_NE(reloaded.body.find(served()), std::string::npos) << reloaded.body;
    } else {
      server.send_signal(SIGHUP);
      EXPECT_TRUE(wait_until([&] { return served() != before; }));
    }
    const std::string version = served();
    versions.insert(version);
    EXPECT_TRUE(wait_until([&] {
      const std::lock_guard lock(mutex);
      return editions.contains(version);
    })) << version;
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(versions.size(), 6u);
  for (const auto& [version, seen] : editions) EXPECT_EQ(seen.size(), 1u) << version;

  write_file(own / "table.h5", "no table");
  const HttpAnswer kept = HttpClient(server.admin_port()).post("/admin/reload", "", "");
  expect_problem(kept, 500, "the old version is kept");
  EXPECT_EQ(HttpClient(server.port()).post("/v1/recommend", kUser).status, 200);
  expect_problem(HttpClient(server.admin_port()).post("/admin/reload", "", "Origin: http://x\r\n"),
                 403, "web pages");
  expect_problem(HttpClient(server.port()).post("/admin/reload", ""), 404, "no such path");
}

TEST_F(ServeTest, SigtermAnswersWhatIsUnderWay) {
  const auto server =
      start({"serve.batch=2", "serve.batch_wait_ms=60000", "serve.drain_seconds=60"});
  HttpClient busy(server->port()), sending(server->port()), idle(server->port());
  busy.send(post_text("/v1/recommend", kUser));
  EXPECT_TRUE(wait_until_planned(server->port(), 1));
  const std::string request = post_text(
      "/v1/recommend", kUser, "Content-Type: application/json\r\nExpect: 100-continue\r\n");
  const size_t body = request.size() - std::strlen(kUser);
  sending.send(request.substr(0, body));
  EXPECT_EQ(sending.receive().status, 100);
  server->send_signal(SIGTERM);
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(HttpClient(server->port()).connected());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // time enough to be cut off
  sending.send(request.substr(body));                           // fills the batch
  for (HttpClient* client : {&busy, &sending}) {
    const HttpAnswer answer = client->receive();
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.headers.at("connection"), "close");
  }
  EXPECT_EQ(server->wait_for_exit(), 0);
}

// Schemathesis asks what docs/openapi.yaml allows, and what it does not.
TEST_F(ServeTest, DoesWhatItsDescriptionSays) {
  const std::string source = std::getenv("SERENDIP_SOURCE_DIR");
  const std::string program = source + "/.venv/bin/schemathesis";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << program << " is not installed";
  const auto server = start({"serve.max_body_bytes=16000000"});
  const TemporaryFolder own;  // where it leaves what it found
  const int code = std::system(
      fmt::format("cd {} && {} --config-file {}/tests/server/schemathesis.toml run "
                  "{}/docs/openapi.yaml --url http://127.0.0.1:{} --no-color > report 2>&1",
                  own.path().string(), program, source, source, server->port())
          .c_str());
  EXPECT_EQ(code, 0) << read_file(own / "report").substr(0, 5'000);
}

TEST_F(ServeTest, SaysWhatItCannotServe) {
  const TemporaryFolder empty;
  ServerProcess server(empty.path(), {});
  EXPECT_EQ(server.wait_for_exit(), 1);
  EXPECT_NE(server.log().find("tree.h5: no such file"), std::string::npos) << server.log();
  ServerProcess nowhere(folder->path(), {"serve.address=example.org"});
  EXPECT_EQ(nowhere.wait_for_exit(), 1);
  EXPECT_NE(nowhere.log().find("serve.address: expected an IP address"), std::string::npos);
}

}  // namespace
}  // namespace serendip::server
