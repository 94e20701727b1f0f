// What docker/ holds for containers, clusters and Slurm, as far as it can be checked without them.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "base/file.h"
#include "infer/server/options.h"
#include "infer/server/service.h"

namespace serendip::server {
namespace {
namespace fs = std::filesystem;

fs::path source(const std::string& name) {
  return fs::path(std::getenv("SERENDIP_SOURCE_DIR")) / name;
}

std::vector<fs::path> files_of(const std::string& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(source(folder)))
    if (entry.path().extension() == extension) files.push_back(entry.path());
  return files;
}

// Every word of a YAML document.
void collect(const YAML::Node& node, std::vector<std::string>& words) {
  if (node.IsScalar()) words.push_back(node.as<std::string>());
  for (const auto& entry : node) {
    if (node.IsMap()) collect(entry.second, words);
    if (node.IsSequence()) collect(entry, words);
  }
}

bool is_pinned(const std::string& image) {
  static const std::regex kPinned("[a-z/]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}");
  return std::regex_match(image, kPinned);
}

// Recipes that are named exist; settings that are given are the server's.
void check_words(const std::vector<std::string>& words, const fs::path& path) {
  ServeOptions options;
  OptionSet set("serve");
  options.declare(set);
  for (const std::string& word : words) {
    if (word.starts_with("recipes/")) {
      EXPECT_TRUE(fs::exists(source(word))) << path << ": " << word;
    } else if (word.starts_with("serve.")) {
      EXPECT_NO_THROW(load_recipe("", {word}, {&set})) << path;
    }
  }
}

std::set<std::string> open_paths() {
  std::set<std::string> paths;
  for (const Route& route : public_routes())
    if (route.open) paths.insert(route.path);
  return paths;
}

TEST(Deployment, KubernetesFilesAreObjectsWhoseProbesAreAnswered) {
  const std::vector<fs::path> files = files_of("docker/kubernetes", ".yaml");
  EXPECT_EQ(files.size(), 3u);
  for (const fs::path& path : files)
    for (const YAML::Node& object : YAML::LoadAllFromFile(path)) {
      EXPECT_TRUE(object["apiVersion"] && object["kind"] && object["metadata"]["name"]) << path;
      std::vector<std::string> words;
      collect(object, words);
      check_words(words, path);
      if (!object["spec"]["template"]) continue;
      const YAML::Node pod = object["spec"]["template"]["spec"];
      EXPECT_TRUE(pod["securityContext"]["runAsNonRoot"].as<bool>()) << path;
      std::set<std::string> volumes;
      for (const auto& volume : pod["volumes"]) volumes.insert(volume["name"].as<std::string>());
      for (const auto& container : pod["containers"]) {
        for (const auto& mount : container["volumeMounts"])
          EXPECT_TRUE(volumes.contains(mount["name"].as<std::string>())) << path;
        for (const char* probe : {"readinessProbe", "livenessProbe", "startupProbe"}) {
          if (!container[probe]) continue;
          const auto asked = container[probe]["httpGet"]["path"].as<std::string>();
          EXPECT_TRUE(open_paths().contains(asked)) << path << ": " << probe;
        }
      }
    }
}

TEST(Deployment, ComposeServesWhatPrometheusReads) {
  const YAML::Node compose = YAML::LoadFile(source("docker/compose.yaml"));
  std::vector<std::string> words;
  collect(compose, words);
  check_words(words, "compose.yaml");
  const YAML::Node serve = compose["services"]["serve"];
  EXPECT_TRUE(fs::exists(source("docker") / serve["build"]["context"].as<std::string>() /
                         serve["build"]["dockerfile"].as<std::string>()));
  const std::string check = serve["healthcheck"]["test"][3].as<std::string>();
  EXPECT_NE(check.find("GET /readyz "), std::string::npos);
  EXPECT_TRUE(is_pinned(compose["services"]["prometheus"]["image"].as<std::string>()));
  const YAML::Node prometheus = YAML::LoadFile(source("docker/prometheus.yaml"));
  EXPECT_EQ(prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0].as<std::string>(),
            "serve:8080");
}

TEST(Deployment, ImagesInstallByTheScriptAndDoNotRunAsRoot) {
  for (const char* name : {"docker/Dockerfile.cpu", "docker/Dockerfile.cuda"}) {
    const std::string text = read_file(source(name));
    EXPECT_NE(text.find("RUN bash scripts/install.sh"), std::string::npos) << name;
    EXPECT_GT(text.find("\nUSER serendip"), text.find("make build")) << name;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("FROM ")) continue;
      EXPECT_TRUE(is_pinned(line.substr(5, line.find(' ', 5) - 5))) << line;
    }
  }
}

TEST(Deployment, SlurmScriptsAreShellAndNameRecipes) {
  const std::vector<fs::path> files = files_of("docker/slurm", ".sbatch");
  EXPECT_EQ(files.size(), 2u);
  for (const fs::path& path : files) {
    EXPECT_EQ(std::system(("bash -n " + path.string()).c_str()), 0) << path;
    const std::string text = read_file(path);
    const size_t at = text.find("recipes/");
    ASSERT_NE(at, std::string::npos) << path;
    const std::string recipe = text.substr(at, text.find('}', at) - at);
    EXPECT_TRUE(fs::exists(source(recipe))) << recipe;
  }
}

}  // namespace
}  // namespace serendip::server
