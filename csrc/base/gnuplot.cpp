#include "base/gnuplot.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>

#include "base/check.h"

namespace serendip {
namespace {

constexpr const char* kPreamble =
    "set encoding utf8\n"
    "set datafile missing 'nan'\n"
    "set terminal svg size {},{} noenhanced font 'sans-serif,13' background '#ffffff'\n";

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

File temporary_file() {
  File file(std::tmpfile(), std::fclose);
  SERENDIP_CHECK(file != nullptr, "cannot make a temporary file: {}", strerror(errno));
  return file;
}

std::string content(FILE* file) {
  std::string text(static_cast<size_t>(lseek(fileno(file), 0, SEEK_END)), '\0');
  const ssize_t read = pread(fileno(file), text.data(), text.size(), 0);
  SERENDIP_CHECK(read == static_cast<ssize_t>(text.size()), "cannot read a temporary file: {}",
                 strerror(errno));
  return text;
}

// What gnuplot writes to stdout for the commands.
std::string run_gnuplot(const std::string& commands) {
  const File in = temporary_file(), out = temporary_file(), err = temporary_file();
  SERENDIP_CHECK(std::fputs(commands.c_str(), in.get()) >= 0 && std::fflush(in.get()) == 0,
                 "cannot write a temporary file: {}", strerror(errno));
  std::rewind(in.get());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(err.get()), STDERR_FILENO);
  std::string program = "gnuplot", no_user_settings = "-d";
  char* arguments[] = {program.data(), no_user_settings.data(), nullptr};
  pid_t process = 0;
  const int refused =
      posix_spawnp(&process, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  SERENDIP_CHECK(refused == 0,
                 "gnuplot: cannot start it: {}; the Debian package gnuplot-nox has it",
                 strerror(refused));
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  SERENDIP_CHECK(status == 0, "gnuplot: expected exit status 0, got {}: {}", status,
                 content(err.get()));
  return content(out.get());
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// gnuplot gives every plot a title, which browsers show under the pointer; "gnuplot_plot_1" is
// none.
std::string without_numbered_titles(std::string text) {
  const std::string begin = "<title>gnuplot_plot_", end = "</title>";
  for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at))
    text.erase(at, text.find(end, at) + end.size() - at);
  return text;
}

std::string escaped(const std::string& text) {
  return replaced(replaced(replaced(text, "&", "&amp;"), "<", "&lt;"), "\"", "&quot;");
}

}  // namespace

std::string draw_svg(const Picture& picture) {
  const std::string drawn = run_gnuplot(
      fmt::format(fmt::runtime(kPreamble), picture.width, picture.height) + picture.script + "\n");
  const size_t begin = drawn.find("<g id=\"gnuplot_canvas\">");
  SERENDIP_CHECK(begin != std::string::npos && drawn.find("</svg>", begin) != std::string::npos,
                 "gnuplot: expected an SVG, got {} bytes", drawn.size());
  // Ids are the page's, not the picture's.
  std::string body = without_numbered_titles(drawn.substr(begin));
  for (const char* before : {"id='", "id=\"", "href='#", "url(#"})
    body = replaced(body, before, before + picture.name + "-");
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
      "width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\">\n"
      "<title>{2}</title>\n{3}",
      picture.width, picture.height, escaped(picture.title), body);
}

bool gnuplot_is_installed() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((std::filesystem::path(folder) / "gnuplot").c_str(), X_OK) == 0) return true;
  return false;
}

std::string gnuplot_version() {
  std::string version = run_gnuplot(
      "set print '-'\nprint sprintf('%.1f patchlevel %s', GPVAL_VERSION, GPVAL_PATCHLEVEL)\n");
  while (!version.empty() && (version.back() == '\n' || version.back() == ' ')) version.pop_back();
  return version;
}

std::string gnuplot_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return quoted + "'";
}

}  // namespace serendip
