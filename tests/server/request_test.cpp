#include "infer/server/request.h"

#include <gtest/gtest.h>

#include "infer/server/problem.h"
#include "tests/base/temporary_folder.h"

namespace serendip::server {
namespace {

constexpr RequestLimits kLimits{.max_history = 3};

RecommendRequest parse(const std::string& body) { return parse_recommend(body, kLimits); }

TEST(RecommendRequest, ReadsEveryField) {
  const RecommendRequest request = parse(R"({"history": [{"item": "a", "time": 5, "quality": 4.5},
      {"item": "b", "time": -1}], "k": 3, "interests": 2, "seed": 9, "now": 100,
      "explain": true})");
  EXPECT_FALSE(request.user);
  ASSERT_EQ(request.history.size(), 2u);
  EXPECT_EQ(request.history[0].item, "a");
  EXPECT_EQ(request.history[0].time, 5);
  EXPECT_EQ(request.history[0].quality, 4.5);
  EXPECT_EQ(request.history[1].time, -1);
  EXPECT_FALSE(request.history[1].quality);
  EXPECT_EQ(request.items, 3);
  EXPECT_EQ(request.interests, 2);
  EXPECT_EQ(request.seed, 9);
  EXPECT_EQ(request.now, 100);
  EXPECT_TRUE(request.explain);
}

TEST(RecommendRequest, HasDefaults) {
  const RecommendRequest request = parse(R"({"user": "u1"})");
  EXPECT_EQ(request.user, "u1");
  EXPECT_EQ(request.items, 10);
  EXPECT_EQ(request.interests, 1);
  EXPECT_FALSE(request.seed);
  EXPECT_FALSE(request.now);
  EXPECT_FALSE(request.explain);
  EXPECT_TRUE(parse(R"({"history": []})").history.empty());
}

std::string numbers(int count) {
  std::string text = "1";
  for (int number = 1; number < count; ++number) text += ",1";
  return text;
}

struct Bad {
  std::string body, message;
};

class BadRequest : public testing::TestWithParam<Bad> {};

TEST_P(BadRequest, IsRefusedNamingTheField) {
  try {
    parse(GetParam().body);
    FAIL() << GetParam().body;
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 400);
    EXPECT_NE(std::string(problem.what()).find(GetParam().message), std::string::npos)
        << problem.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadRequest,
    testing::Values(
        Bad{"", "body: expected JSON: parse error at line 1, column 1"},
        Bad{"{\"user\": \"u\"} x", "body: expected JSON"}, Bad{"[]", "expected an object, got an"},
        Bad{"{\"user\": \"\xff\xfe\"}", "body: expected JSON"},
        Bad{std::string("{\"user\": \"a\0\"}", 14), "body: expected JSON"},
        Bad{"{}", "body: expected either user or history, got neither"},
        Bad{R"({"user": "u", "history": []})", "got both"},
        Bad{R"({"user": 3})", "body.user: expected a string of 1 to 256 characters, got 3"},
        Bad{R"({"user": ""})", "body.user: expected a string"},
        Bad{"{\"user\": \"" + std::string(257, 'x') + "\"}", "body.user: expected a string"},
        Bad{R"({"user": "u", "user": "v"})", "field \"user\": expected once"},
        Bad{R"({"user": "u", "K": 3})", "body.\"K\": unknown field"},
        Bad{R"({"user": "u", "k": 0})", "body.k: expected a whole number from 1 to 100, got 0"},
        Bad{R"({"user": "u", "k": 101})", "body.k"}, Bad{R"({"user": "u", "k": 1.0})", "body.k"},
        Bad{R"({"user": "u", "k": "1"})", "body.k"}, Bad{R"({"user": "u", "k": null})", "body.k"},
        Bad{R"({"user": "u", "k": 18446744073709551615})", "body.k"},
        Bad{R"({"user": "u", "k": 1e400})", "body: expected JSON"},
        Bad{R"({"user": "u", "k": NaN})", "body: expected JSON"},
        Bad{R"({"user": "u", "interests": 21})", "body.interests"},
        Bad{R"({"user": "u", "seed": -1})", "body.seed"},
        Bad{R"({"user": "u", "seed": 9007199254740992})", "body.seed"},
        Bad{R"({"user": "u", "explain": 1})", "body.explain: expected true or false, got 1"},
        Bad{R"({"history": {}})", "body.history: expected an array of 0 to 3, got an object"},
        Bad{R"({"history": [1]})", "body.history[0]: expected an object, got 1"},
        Bad{R"({"history": [{"item": "a", "time": 1}, {"item": "b"}]})",
            "body.history[1].time: expected, got none"},
        Bad{R"({"history": [{"item": "a", "time": 1.5}]})", "body.history[0].time"},
        Bad{R"({"history": [{"item": "a", "time": 1, "quality": "good"}]})",
            "body.history[0].quality: expected a number"},
        Bad{R"({"history": [{"item": "a", "time": 1, "quality": 1e7}]})", "quality"},
        Bad{R"({"history": [{"item": "a", "time": 1, "score": 1}]})",
            "body.history[0].\"score\": unknown field"},
        Bad{R"({"history": [{"item": "a", "time": 1}, {"item": "a", "time": 1},
             {"item": "a", "time": 1}, {"item": "a", "time": 1}]})",
            "body.history: expected an array of 0 to 3, got an array of 4"},
        Bad{"{\"user\": [" + numbers(65) + "]}", "body: expected arrays of at most 64, got more"},
        Bad{"{\"user\": [" + numbers(64) + "]}", "body.user: expected a string"},
        Bad{R"({"user": [[[[[1]]]]]})", "expected nesting of at most 5, got more"},
        Bad{std::string(200'000, '['), "expected nesting of at most 5, got more"},
        Bad{std::string(1000, '{'), "body: expected JSON"}));

TEST(BatchRequest, ReadsAllAndNamesTheOneThatIsBad) {
  const auto requests =
      parse_recommend_batch(R"({"requests": [{"user": "a"}, {"history": [], "k": 2}]})", kLimits);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].user, "a");
  EXPECT_EQ(requests[1].items, 2);
  const auto error = [](const std::string& body) {
    return error_of([&] { parse_recommend_batch(body, kLimits); });
  };
  EXPECT_EQ(error(R"({"requests": [{"user": "a"}, {"user": 1}]})"),
            "body.requests[1].user: expected a string of 1 to 256 characters, got 1");
  EXPECT_EQ(error(R"({"requests": []})"),
            "body.requests: expected an array of 1 to 64, got an array of 0");
  EXPECT_EQ(error(R"({"requests": [{"user": "a"}], "k": 1})"), "body.\"k\": unknown field");
}

TEST(InterestsRequest, ReadsAQuery) {
  const InterestsRequest request = parse_interests("context=3,7&k=5", kLimits);
  EXPECT_EQ(request.context, (std::vector<int32_t>{3, 7}));
  EXPECT_EQ(request.labels, 5);
  const auto error = [](const std::string& query) {
    return error_of([&] { parse_interests(query, kLimits); });
  };
  EXPECT_EQ(error(""), "context: expected cluster numbers, got none");
  EXPECT_EQ(error("k=5"), "context: expected cluster numbers, got none");
  for (const char* bad : {"context=", "context=3,", "context=-1", "context=+1", "context=a",
                          "context=99999999999", "context=3%2C7", "context"})
    EXPECT_NE(error(bad).find("context: expected cluster numbers between commas"),
              std::string::npos)
        << bad << ": " << error(bad);
  EXPECT_EQ(error("context=1&k=0"), "k: expected a whole number from 1 to 100, got \"0\"");
  EXPECT_EQ(error("context=1&context=2"), "\"context\": expected once, got it again");
  EXPECT_EQ(error("context=1&x=2"), "query: expected context and k, got \"x\"");
}

TEST(ProblemBody, IsJsonWhateverTheBytes) {
  EXPECT_EQ(problem_body(404, "no \xff"),
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"no "
            "\xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace serendip::server
