// The page at /.
#pragma once

#include <string_view>

namespace serendip::server {

std::string_view web_page();  // HTML, self-contained

}  // namespace serendip::server
