'use strict';
// The cluster explorer's filter and the pair table's search; all else on the page needs no script.

function words(input) {
  return input.value.toLowerCase().split(/\s+/).filter(Boolean);
}

function startClusterFilter(input) {
  const status = document.getElementById('cluster-status');
  const clusters = [...document.querySelectorAll('[data-cluster]')];
  const texts = clusters.map((cluster) => cluster.textContent.toLowerCase());
  input.addEventListener('input', () => {
    const wanted = words(input);
    let found = 0;
    clusters.forEach((cluster, i) => {
      cluster.hidden = !wanted.every((word) => texts[i].includes(word));
      if (!cluster.hidden) ++found;
    });
    for (const group of document.querySelectorAll('[data-group]')) {
      group.hidden = !group.querySelector('[data-cluster]:not([hidden])');
      group.open = wanted.length > 0 && !group.hidden;
    }
    status.textContent = wanted.length > 0 ? found + ' of ' + clusters.length + ' clusters' : '';
  });
}

function decodedBytes(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

// Numbers of two bytes, the lower first.
function decodedPairs(text) {
  const bytes = decodedBytes(text);
  const values = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < values.length; ++i) values[i] = bytes[2 * i] | bytes[2 * i + 1] << 8;
  return values;
}

function startPairSearch(data) {
  const pageRows = 25;
  const table = JSON.parse(data.textContent);
  const { descriptions, rows, shown, context_size: size } = table;
  const clusters = descriptions.length;
  const lower = descriptions.map((text) => text.toLowerCase());
  const labels = decodedPairs(table.label);
  const steps = decodedBytes(table.log_prob);
  const contexts = table.context === undefined ? null : decodedPairs(table.context);
  const inputs = [...document.querySelectorAll('#pairs input')];
  const status = document.getElementById('pair-status');
  const body = document.querySelector('#pair-rows tbody');
  const before = document.getElementById('pair-before');
  const after = document.getElementById('pair-after');
  let found = new Uint32Array(0);
  let first = 0;

  function contextOf(row, place) {
    if (contexts) return contexts[row * size + place];
    return place === 0 ? Math.floor(row / clusters) : row % clusters;
  }

  function isMatch(row, wanted) {
    for (let place = 0; place < size; ++place)
      if (wanted[place] && !wanted[place][contextOf(row, place)]) return false;
    return !wanted[size] || wanted[size][labels[row * shown]] === 1;
  }

  function labelText(entry) {
    if (labels[entry] === table.none) return '';
    const probability = Math.exp(-steps[entry] / table.steps_a_nat);
    const bound = steps[entry] === table.last_step ? '≤ ' : '';
    return descriptions[labels[entry]] + ' (' + bound + (100 * probability).toPrecision(2) + '%)';
  }

  function show() {
    body.replaceChildren();
    for (const row of found.subarray(first, first + pageRows)) {
      const line = body.insertRow();
      for (let place = 0; place < size; ++place)
        line.insertCell().textContent = descriptions[contextOf(row, place)];
      for (let rank = 0; rank < shown; ++rank)
        line.insertCell().textContent = labelText(row * shown + rank);
    }
    const last = Math.min(found.length, first + pageRows);
    status.textContent = found.length === 0 ? 'No row matches.'
      : 'Rows ' + (first + 1) + ' to ' + last + ' of ' + found.length.toLocaleString('en') + '.';
    before.disabled = first === 0;
    after.disabled = last === found.length;
  }

  function search() {
    // A flag a cluster and input; none where the input is empty.
    const wanted = inputs.map((input) => {
      const all = words(input);
      if (all.length === 0) return null;
      return Uint8Array.from(lower, (text) => all.every((word) => text.includes(word)) ? 1 : 0);
    });
    const matches = new Uint32Array(rows);
    let count = 0;
    for (let row = 0; row < rows; ++row) if (isMatch(row, wanted)) matches[count++] = row;
    found = matches.subarray(0, count);
    first = 0;
    show();
  }

  for (const input of inputs) input.addEventListener('input', search);
  before.addEventListener('click', () => { first = Math.max(0, first - pageRows); show(); });
  after.addEventListener('click', () => { first += pageRows; show(); });
  search();
}

const clusterInput = document.getElementById('cluster-search');
if (clusterInput) startClusterFilter(clusterInput);

// A large table is decoded when it comes near the window.
const pairData = document.getElementById('pair-data');
if (pairData && pairData.textContent.length < 1e6) {
  startPairSearch(pairData);
} else if (pairData) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    startPairSearch(pairData);
  }, { rootMargin: '600px' });
  observer.observe(document.getElementById('pairs'));
}
