// The cluster explorer: groups, their clusters with keywords and traffic, sample items.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/quantity_text.h"
#include "report/sections.h"

namespace serendip {
namespace {

constexpr size_t kItemsShown = 5;

std::vector<std::vector<int32_t>> children_of(const std::vector<int32_t>& parent, size_t parents) {
  std::vector<std::vector<int32_t>> children(parents);
  for (size_t child = 0; child < parent.size(); ++child)
    children[static_cast<size_t>(parent[child])].push_back(static_cast<int32_t>(child));
  return children;
}

class Explorer {
 public:
  explicit Explorer(const RunArtifacts& run)
      : run_(run), tree_(*run.tree), all_traffic_(sum(tree_.planning().traffic)) {
    for (int level = 2; level <= kTreeLevels; ++level)
      children_.push_back(children_of(tree_.level(level).parent,
                                      static_cast<size_t>(tree_.level(level - 1).cluster_count())));
    items_ = children_of(tree_.planning().assignment,
                         static_cast<size_t>(tree_.planning().cluster_count()));
    for (std::vector<int32_t>& items : items_)
      std::stable_sort(items.begin(), items.end(),
                       [&](int32_t a, int32_t b) { return traffic_of(a) > traffic_of(b); });
  }

  std::string html() const {
    std::string html;
    for (int32_t group = 0; group < tree_.level(1).cluster_count(); ++group)
      html += group_html(group);
    return html;
  }

 private:
  static double sum(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  }
  double traffic_of(int32_t item) const { return tree_.item_traffic[static_cast<size_t>(item)]; }
  // Of a level's clusters, those of the next.
  const std::vector<int32_t>& children(int level, int32_t cluster) const {
    return children_[static_cast<size_t>(level - 1)][static_cast<size_t>(cluster)];
  }
  const std::string& name(int level, int32_t cluster) const {
    return tree_.level(level).description[static_cast<size_t>(cluster)];
  }
  std::string share(int level, int32_t cluster) const {
    const double traffic = tree_.level(level).traffic[static_cast<size_t>(cluster)];
    return fmt::format("{:.2f}%", all_traffic_ > 0 ? 100 * traffic / all_traffic_ : 0);
  }

  std::string group_html(int32_t group) const {
    std::string clusters;
    for (const int32_t cluster : children(1, group)) clusters += cluster_html(cluster);
    return fmt::format(
        "<details data-group><summary>{} <span class=\"quiet\">{} clusters, {} of the "
        "traffic</span></summary>\n{}</details>\n",
        html_text(name(1, group)), children(1, group).size(), share(1, group), clusters);
  }

  std::string cluster_html(int32_t cluster) const {
    const std::vector<int32_t>& items = items_[static_cast<size_t>(cluster)];
    std::string facts =
        fmt::format("{} items, {} of the traffic", count_text(static_cast<double>(items.size())),
                    share(2, cluster));
    if (run_.labels)
      facts += fmt::format(
          ", best label of {} rows",
          count_text(static_cast<double>(run_.labels->count[static_cast<size_t>(cluster)])));
    std::string finer;
    for (const int32_t child : children(2, cluster)) {
      std::string finest;
      for (const int32_t leaf : children(3, child))
        finest += (finest.empty() ? "" : "; ") + name(4, leaf);
      finer += fmt::format("<li>{} <span class=\"quiet\">({})</span></li>",
                           html_text(name(3, child)), html_text(finest));
    }
    return fmt::format(
        "<details data-cluster><summary>{} <span class=\"quiet\">{}</span></summary>\n{}"
        "<p>Within it:</p><ul>{}</ul></details>\n",
        html_text(name(2, cluster)), facts, items_html(items), finer);
  }

  std::string items_html(const std::vector<int32_t>& items) const {
    if (run_.item_title.empty()) return {};
    std::string html;
    for (size_t i = 0; i < std::min(items.size(), kItemsShown); ++i)
      html += fmt::format("<li>{}</li>", html_text(run_.item_title[static_cast<size_t>(items[i])]));
    return "<p>Items of most traffic:</p><ul>" + html + "</ul>\n";
  }

  const RunArtifacts& run_;
  const ClusterTree& tree_;
  double all_traffic_;
  std::vector<std::vector<std::vector<int32_t>>> children_;  // by level, cluster
  std::vector<std::vector<int32_t>> items_;  // by cluster of level 2, heaviest first
};

}  // namespace

HtmlSection cluster_section(const RunArtifacts& run) {
  HtmlSection section{"clusters", "Interest clusters", {}};
  if (!run.tree) {
    section.body = html_missing("tree.h5", "serendip cluster");
    return section;
  }
  const auto clusters = [&](int level) {
    return count_text(static_cast<double>(run.tree->level(level).cluster_count()));
  };
  section.body = html_paragraph(fmt::format(
      "Items are grouped into {} clusters of level 1, {} of level 2, which the language model "
      "speaks "
      "of, {} of level 3 and {} of level 4. A cluster's name is its keywords; traffic counts the "
      "training users' events, giants capped.",
      clusters(1), clusters(2), clusters(3), clusters(4)));
  section.body +=
      "<div class=\"searches\"><label>Show clusters with these words, also in their items<br>"
      "<input type=\"search\" id=\"cluster-search\"></label></div>\n"
      "<p id=\"cluster-status\" role=\"status\"></p>\n" +
      Explorer(run).html();
  return section;
}

}  // namespace serendip
