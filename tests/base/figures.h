// What tests of drawn figures share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/gnuplot.h"

namespace serendip {

// How often the text holds the part.
inline size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class FigureTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!gnuplot_is_installed()) GTEST_SKIP() << "gnuplot is not installed";
  }
};

}  // namespace serendip
