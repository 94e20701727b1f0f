// docs/openapi.yaml is the server's own description, to the last route, limit and fallback.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <set>

#include "infer/server/options.h"
#include "infer/server/recommend.h"
#include "infer/server/service.h"

namespace serendip::server {
namespace {

YAML::Node description() {
  return YAML::LoadFile(std::string(std::getenv("SERENDIP_SOURCE_DIR")) + "/docs/openapi.yaml");
}

TEST(OpenApi, HasTheRoutes) {
  std::set<std::string> described, served;
  const YAML::Node paths = description()["paths"];
  for (const auto& path : paths)
    for (const auto& method : path.second)
      if (method.first.as<std::string>() != "servers")
        described.insert(method.first.as<std::string>() + " " + path.first.as<std::string>() + " " +
                         method.second["operationId"].as<std::string>());
  for (const std::vector<Route>& routes : {public_routes(), admin_routes()})
    for (const Route& route : routes) {
      std::string method = route.method;
      for (char& letter : method) letter = static_cast<char>(std::tolower(letter));
      const bool takes_id = route.path.ends_with('/') && route.path != "/";
      served.insert(method + " " + route.path + (takes_id ? "{id}" : "") + " " + route.name);
    }
  EXPECT_EQ(described, served);
}

TEST(OpenApi, SaysWhichRoutesNeedNoToken) {
  const YAML::Node paths = description()["paths"];
  for (const Route& route : public_routes()) {
    if (route.path.ends_with('/') && route.path != "/") continue;
    EXPECT_EQ(paths[route.path][route.method == "GET" ? "get" : "post"]["security"].IsDefined(),
              route.open)
        << route.path;
  }
}

TEST(OpenApi, HasTheLimits) {
  const RequestLimits limits;
  const YAML::Node request = description()["components"]["schemas"]["RecommendRequest"];
  const auto number = [&](const char* field, const char* key) {
    return request["properties"][field][key].as<int64_t>();
  };
  EXPECT_EQ(number("k", "maximum"), limits.max_items);
  EXPECT_EQ(number("interests", "maximum"), limits.max_interests);
  EXPECT_EQ(number("history", "maxItems"), ServeOptions().max_history);
  EXPECT_EQ(number("k", "default"), RecommendRequest().items);
  EXPECT_EQ(number("interests", "default"), RecommendRequest().interests);
  const YAML::Node batch = description()["paths"]["/v1/recommend:batch"]["post"]["requestBody"]
                                        ["content"]["application/json"]["schema"]["properties"];
  EXPECT_EQ(batch["requests"]["maxItems"].as<int64_t>(), limits.max_batch);
}

TEST(OpenApi, NamesTheFallbacks) {
  const YAML::Node names = description()["components"]["schemas"]["Recommendation"]["properties"]
                                        ["fallbacks"]["items"]["enum"];
  ASSERT_EQ(names.size(), static_cast<size_t>(kFallbacks));
  for (int at = 0; at < kFallbacks; ++at)
    EXPECT_EQ(names[static_cast<size_t>(at)].as<std::string>(),
              fallback_name(static_cast<Fallback>(at)));
}

TEST(Tokens, AreEqualOnlyWhereTheyAre) {
  EXPECT_TRUE(equal_tokens("Bearer a", "Bearer a"));
  for (const char* given : {"", "Bearer b", "Bearer ", "Bearer aa", "bearer a", "Bearer aBearer a"})
    EXPECT_FALSE(equal_tokens(given, "Bearer a")) << given;
}

}  // namespace
}  // namespace serendip::server
