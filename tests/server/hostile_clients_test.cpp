// Clients that mean harm or know no better: they are refused within bounds of memory and time, and
// the others are served as ever.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "tests/server/serve_test.h"

namespace serendip::server {
namespace {

class HostileClients : public ServeTest {
 protected:
  static void expect_others_are_served(int port) {
    EXPECT_EQ(HttpClient(port).post("/v1/recommend", kUser).status, 200);
  }
  static double resident(int port) { return metric(port, "serendip_resident_memory_bytes"); }
  // The answer to what closes the connection.
  static HttpAnswer last_answer(int port, const std::string& text) {
    HttpClient client(port);
    client.send(text);
    HttpAnswer answer = client.receive();
    EXPECT_TRUE(answer.headers["connection"] == "close" && client.closed()) << text.substr(0, 80);
    return answer;
  }
};

std::string history_of_length(int events) {
  std::string body = R"({"history": [{"item": "a", "time": 1})";
  for (int event = 1; event < events; ++event) body += R"(,{"item":"a","time":1})";
  return body + "]}";
}

TEST_F(HostileClients, BodiesThatAreNotRequests) {
  const auto server = start({"serve.max_body_bytes=2000", "serve.max_history=5"});
  HttpClient client(server->port());  // these leave the connection open
  const auto ask = [&](const std::string& body) { return client.post("/v1/recommend", body); };
  expect_problem(client.post("/v1/recommend", kUser, ""), 415, "application/json");
  expect_problem(ask("{\"user\": NaN}"), 400, "expected JSON");
  expect_problem(ask(std::string(1'900, '[')), 400, "nesting");
  expect_problem(ask(R"({"user": "u", "k": "3"})"), 400, "body.k");
  expect_problem(ask(history_of_length(6)), 400, "0 to 5");
  EXPECT_EQ(client.get("/healthz").status, 200);

  expect_problem(last_answer(server->port(), post_text("/v1/recommend", std::string(2'001, ' '))),
                 413, "2000 bytes");
  const std::string post = "POST /v1/recommend HTTP/1.1\r\n";
  for (const auto& [headers, status, detail] :
       {std::tuple{"Content-Length: 99999999999999\r\n\r\n", 413, "2000 bytes"},
        std::tuple{"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, "Content-Length"},
        std::tuple{"Content-Length: -1\r\n\r\n", 400, "expected HTTP"},
        std::tuple{"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, "expected HTTP"},
        std::tuple{"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400,
                   "expected HTTP"}})
    expect_problem(last_answer(server->port(), post + headers), status, detail);
  expect_others_are_served(server->port());
}

TEST_F(HostileClients, AHundredThousandEvents) {
  const auto server = start();
  EXPECT_EQ(HttpClient(server->port()).post("/v1/recommend", history_of_length(10'000)).status,
            200);
  HttpClient small(server->port());
  small.send(post_text("/v1/recommend", history_of_length(100'000)));
  expect_problem(small.receive(), 413, "262144 bytes");

  const auto with_large_bodies = start({"serve.max_body_bytes=16000000"});
  const int port = with_large_bodies->port();
  std::vector<HttpClient> clients;
  for (int client = 0; client < 2; ++client) {
    clients.emplace_back(port);
    clients.back().send(post_text("/v1/recommend", history_of_length(100'000)));
  }
  expect_others_are_served(port);
  for (HttpClient& client : clients)
    expect_problem(client.receive(), 400, "expected arrays of at most 10000, got more");
  EXPECT_LT(resident(port), 1e9);
}

TEST_F(HostileClients, PathTricks) {
  const auto server = start();
  HttpClient client(server->port());
  expect_problem(client.get("/nothing"), 404, "no such path");
  for (const char* path :
       {"/../etc/passwd", "/v1/../healthz", "/v1/clusters/..", "//healthz", "/healthz/",
        "/%68ealthz", "/v1/clusters/3/4", "*", "http://other/healthz", "/v1/clusters/-1",
        "/v1/clusters/8", "/v1/clusters/99999999999", "/v1/clusters/%33", "/v1/clusters/3%00",
        "/v1/clusters/3;", "/..%2f..%2fetc/passwd", "/\\..\\healthz", "/healthz%3f",
        "/healthz\xff"})
    EXPECT_EQ(client.get(path).status, 404) << path;
  expect_problem(client.get("/v1/recommend"), 405, "expected POST, got GET");
  const HttpAnswer other_method = client.post("/healthz", "{}");
  expect_problem(other_method, 405, "expected GET, got POST");
  EXPECT_EQ(other_method.headers.at("allow"), "GET");
  expect_problem(client.get("/v1/interests?context=1"), 404, "expected 2 clusters, got 1");
  expect_problem(client.get("/v1/interests?context=1,8"), 404, "clusters from 0 to 7");
  expect_problem(last_answer(server->port(), get_text("/" + std::string(3'000, 'a'))), 414,
                 "2048 bytes");
}

TEST_F(HostileClients, WhatIsNotHttpAndHeaderFloods) {
  const auto server = start();
  const int port = server->port();
  for (const char* text : {"GET / HTTP/1.1\r\nbad header\r\n\r\n", "GET / HTTP/3.0\r\n\r\n",
                           "GET /\x01 HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
                           "\x16\x03\x01\x02 a TLS client\r\n\r\n", "GET /healthz\r\n\r\n"})
    expect_problem(last_answer(port, text), 400, "expected HTTP");
  std::string flood;
  for (int header = 0; header < 1'000; ++header)
    flood += fmt::format("X-{}: some value\r\n", header);
  expect_problem(last_answer(port, get_text("/healthz", flood)), 431, "8192 bytes");
  HttpClient endless(port);  // one header that never ends
  endless.send("GET /healthz HTTP/1.1\r\nX: ");
  while (endless.send(std::string(100'000, 'x'))) continue;  // until the server has closed
  expect_others_are_served(port);
}

TEST_F(HostileClients, SlowSendersAreCutOffAndHalfClosedSocketsAnswered) {
  const std::string part = "POST /v1/recommend HTTP/1.1\r\nContent-Length: 10\r\n\r\n{";
  const auto strict = start({"serve.request_seconds=0.5"});
  HttpClient slow(strict->port()), partial(strict->port()), dripping(strict->port());
  slow.send("POST /v1/recommend HTTP/1.1\r\nContent-Le");
  partial.send(part);
  expect_problem(slow.receive(), 408, "within 0.5 s");
  expect_problem(partial.receive(), 408, "within 0.5 s");
  // A byte now and then gains no time.
  EXPECT_TRUE(wait_until([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return !dripping.send("G");
  }));
  expect_others_are_served(strict->port());

  const auto patient = start();
  HttpClient half(patient->port()), gone(patient->port());
  half.send(get_text("/healthz"));
  half.shut_down_sending();
  EXPECT_EQ(half.receive().status, 200);
  EXPECT_TRUE(half.closed());
  gone.send(part);
  gone.shut_down_sending();
  EXPECT_TRUE(gone.closed());

  const auto hasty = start({"serve.idle_seconds=1"});
  EXPECT_TRUE(HttpClient(hasty->port()).closed());  // without an answer, there was no question
}

TEST_F(HostileClients, WhoTakesNoAnswersIsCutOff) {
  const auto server = start({"serve.request_seconds=0.5"});
  std::string batch = R"({"requests": [)";
  for (int request = 0; request < 64; ++request)
    batch += fmt::format(R"({}{{"user": "user{}", "k": 100, "interests": 20}})",
                         request == 0 ? "" : ", ", request % kWorldUsers);
  batch += "]}";
  // More answers than the sockets hold: the server reads no further request while one is not taken.
  HttpClient deaf(server->port());
  std::string all;
  for (int count = 0; count < 200; ++count) all += post_text("/v1/recommend:batch", batch);
  deaf.send(all);
  EXPECT_TRUE(deaf.cut_off());
  expect_others_are_served(server->port());
}

TEST_F(HostileClients, LargeBodiesOfManyAreRefusedBeforeTheyCostMemory) {
  const auto server = start({"serve.max_body_bytes=16000000"});
  std::vector<HttpClient> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back(server->port());
    clients.back().send(
        "POST /v1/recommend HTTP/1.1\r\nContent-Length: 16000000\r\nExpect: "
        "100-continue\r\n\r\n");
    EXPECT_EQ(clients.back().receive().status, 100);
  }
  const HttpAnswer refused = last_answer(
      server->port(), "POST /v1/recommend HTTP/1.1\r\nContent-Length: 16000000\r\n\r\n{");
  expect_problem(refused, 503, "too many large requests");
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  expect_others_are_served(server->port());
}

TEST_F(HostileClients, ConnectionsBeyondTheBoundWait) {
  const auto server = start({"serve.max_connections=2"});
  std::vector<HttpClient> idle;
  idle.emplace_back(server->port());
  idle.emplace_back(server->port());
  EXPECT_EQ(idle[1].get("/healthz").status, 200);
  HttpClient waiting(server->port());
  waiting.send(get_text("/healthz"));
  EXPECT_EQ(idle[0].get("/healthz").status, 200);
  idle.clear();
  EXPECT_EQ(waiting.receive().status, 200);
}

TEST_F(HostileClients, TenThousandIdleConnectionsHoldNoWorker) {
  constexpr size_t kConnections = 10'000;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < kConnections + 100)
    GTEST_SKIP() << "the system allows " << limit.rlim_cur << " open files";
  const auto server =
      start({"serve.workers=1", "serve.request_seconds=600", "serve.idle_seconds=600"});
  const double before = resident(server->port());
  std::vector<HttpClient> idle;
  while (idle.size() < kConnections) {
    idle.emplace_back(server->port());
    ASSERT_TRUE(idle.back().connected());
    if (idle.size() % 2 == 0) idle.back().send("GET /hea");  // half of them in mid-request
  }
  // The system has taken the last of them in before the server has.
  ASSERT_TRUE(wait_until(
      [&] { return metric(server->port(), "serendip_connections_open") >= kConnections; }));
  HttpClient client(server->port());
  for (int count = 0; count < 20; ++count)
    EXPECT_EQ(client.post("/v1/recommend", kUser).status, 200);
  EXPECT_LT(resident(server->port()) - before, 200e6);
}

}  // namespace
}  // namespace serendip::server
