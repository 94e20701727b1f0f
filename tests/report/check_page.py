"""Checks a page of `serendip report`: nesting, ids, headings, names of figures and inputs, no requests."""
import html.parser
import sys

VOID = {'meta', 'link', 'br', 'input', 'img', 'hr'}


class Checker(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.problems = [], set(), [], []
        self.heading, self.tables, self.svgs = 0, 0, 0

    def say(self, problem):
        self.problems.append(f'line {self.getpos()[0]}: {problem}')

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.check(tag, attributes)

    def handle_startendtag(self, tag, attributes):
        self.check(tag, dict(attributes))

    def check(self, tag, attributes):
        if 'id' in attributes:
            if attributes['id'] in self.ids:
                self.say(f'id {attributes["id"]} twice')
            self.ids.add(attributes['id'])
        for key in ('href', 'src', 'xlink:href'):
            address = attributes.get(key, '#')
            if address.startswith('#'):
                self.links.append(address[1:])
            elif not address.startswith('data:'):
                self.say(f'{tag} asks for {address}')
        if len(tag) == 2 and tag[0] == 'h' and tag[1].isdigit():
            if int(tag[1]) > self.heading + 1:
                self.say(f'{tag} after h{self.heading}')
            self.heading = int(tag[1])
        if tag == 'svg':
            self.svgs += 1
            if attributes.get('role') != 'img' or not attributes.get('aria-label'):
                self.say('svg without role or name')
        if tag == 'input' and 'label' not in self.open:
            self.say('input without label')
        if tag == 'th' and 'scope' not in attributes:
            self.say('th without scope')
        self.tables += tag == 'table'
        self.tables -= tag == 'caption'

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.say(f'</{tag}> within {self.open[-3:]}')
        if tag in self.open:
            while self.open.pop() != tag:
                pass


checker = Checker()
checker.feed(open(sys.argv[1], encoding='utf-8').read())
checker.close()
if checker.open:
    checker.problems.append(f'never closed: {checker.open}')
if checker.tables:
    checker.problems.append(f'{checker.tables} tables without caption')
if checker.svgs < 5:
    checker.problems.append(f'{checker.svgs} figures')
checker.problems += [f'link to {name}' for name in checker.links if name and name not in checker.ids]
print('\n'.join(checker.problems))
sys.exit(bool(checker.problems))
