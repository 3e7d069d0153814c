// What was loaded of one probe: newest first, the rest progressively, nothing twice.

import * as api from './api.js';
import {inflate} from './pack.js';
import {dequantise} from './maps.js';

// So many grids or maps are asked for at a time.
const STEPS_A_REQUEST = 50;
const MAPS_A_REQUEST = 240;

export class Store {
  /** `changed` is called whenever something arrived; `failed` with an error. */
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    this.index = {runs: [], problems: []};
    this.probe = '';
    this.runs = new Map();
    this.problems = [];
    this.generation = 0;
  }

  async loadIndex() {
    this.index = await api.index();
  }

  probes() {
    return [...new Set(this.index.runs.flatMap((run) => run.probes.map((probe) => probe.name)))];
  }

  runNames(probe = this.probe) {
    return this.index.runs.filter((run) => run.probes.some((each) => each.name === probe)).map((run) => run.name);
  }

  methods(probe = this.probe) {
    const found = new Map();
    for (const run of this.index.runs) {
      for (const each of run.probes) {
        if (each.name === probe) for (const method of each.methods) found.set(method.label, method);
      }
    }
    const order = [...found.values()];
    return order.sort((a, b) => (a.method !== 'occlusion') - (b.method !== 'occlusion') || (a.label < b.label ? -1 : 1));
  }

  choose(probe) {
    if (probe === this.probe) return;
    this.probe = probe;
    this.generation++;
    this.runs.clear();
    this.problems = [];
  }

  /** Load or refresh scores, inputs, statistics and newest maps of these runs. */
  async load(names, label) {
    const generation = this.generation;
    await Promise.all(names.map((name) => this.loadRun(name, label, generation)));
  }

  async loadRun(name, label, generation) {
    const query = {run: name, probe: this.probe};
    const known = this.runs.get(name);
    const run = known ?? {name, images: new Map(), scores: new Map(), methods: new Map(), busy: new Set()};
    const listed = this.index.runs.find((each) => each.name === name)?.probes.find((each) => each.name === this.probe);
    const has = listed?.methods.some((each) => each.label === label);
    const [inputs, scores, method] = await Promise.all([
      api.pack('inputs', query),
      api.pack('scores', query),
      has ? api.pack('attributions', {...query, label, grids: known?.methods.has(label) ? 'none' : 'newest'}) : null,
    ]);
    if (generation !== this.generation) return;
    this.takeInputs(run, inputs);
    this.takeScores(run, scores);
    if (method) this.takeMethod(run, label, method);
    this.runs.set(name, run);
    this.changed();
    await this.pictures(run, generation);
  }

  note(run, problems) {
    for (const problem of problems) {
      const text = `${run.name}, image ${problem.image}, step ${problem.step}: ${problem.message}`;
      if (!this.problems.includes(text)) this.problems.push(text);
    }
  }

  takeInputs(run, {header, numbers}) {
    this.note(run, header.problems);
    for (const {image, records} of header.images) {
      const pictures = run.images.get(image)?.pictures ?? new Map();
      const read = records.map((record) => ({
        ...record,
        class_names: record.class_names === null ? [] : header.class_names[record.class_names],
        unseen: numbers(record.unseen),
        regions: record.regions.map((region) => ({name: region.name, mask: numbers(region.mask)})),
      }));
      run.images.set(image, {records: read, pictures});
    }
  }

  takeScores(run, {header, numbers}) {
    this.note(run, header.problems);
    for (const {image, records} of header.images) {
      const steps = new Map();
      for (const record of records) {
        steps.set(record.step, {
          ...record,
          values: numbers(record.values),
          hidden: record.hidden.map((each) => ({...each, values: numbers(each.values)})),
        });
      }
      run.scores.set(image, steps);
    }
  }

  takeMethod(run, label, {header, numbers}) {
    this.note(run, header.problems);
    const images = run.methods.get(label) ?? new Map();
    for (const {image, records} of header.images) {
      const before = images.get(image) ?? new Map();
      const steps = new Map();
      for (const record of records) {
        const old = before.get(record.step);
        const same = old && old.wall === record.wall;
        steps.set(record.step, {
          ...record,
          settings: header.settings[record.settings],
          statistics: numbers(record.statistics),
          whole: numbers(record.whole),
          grid: numbers(record.grid) ?? (same ? old.grid : null),
          planes: same ? old.planes : undefined,
        });
      }
      images.set(image, steps);
    }
    run.methods.set(label, images);
  }

  async pictures(run, generation) {
    await Promise.all(
      [...run.images].flatMap(([image, {records, pictures}]) =>
        records
          .filter((record) => !pictures.has(record.hash))
          .map(async (record) => {
            pictures.set(record.hash, null);
            const query = {run: run.name, probe: this.probe, image, hash: record.hash};
            const {data, width, height} = await api.image(query);
            const grey = new Float64Array(width * height);
            for (let i = 0; i < grey.length; i++) {
              grey[i] = 0.2126 * data[4 * i] + 0.7152 * data[4 * i + 1] + 0.0722 * data[4 * i + 2];
            }
            pictures.set(record.hash, {data, width, height, grey});
          }),
      ),
    );
    if (generation === this.generation) this.changed();
  }

  /** Load what is still missing of a method, the given steps first. */
  async fill(names, label, first) {
    const generation = this.generation;
    for (const name of names) {
      const run = this.runs.get(name);
      if (!run || run.busy.has(label)) continue;
      run.busy.add(label);
      try {
        if (!run.methods.has(label)) {
          const listed = this.index.runs.find((each) => each.name === name)?.probes.find((each) => each.name === this.probe);
          if (!listed?.methods.some((each) => each.label === label)) continue;
          const query = {run: name, probe: this.probe, label, grids: 'newest'};
          this.takeMethod(run, label, await api.pack('attributions', query));
          this.changed();
        }
        await this.fillRun(run, label, first, generation);
      } catch (error) {
        this.failed(error);
        return;
      } finally {
        run.busy.delete(label);
      }
    }
  }

  async fillRun(run, label, first, generation) {
    for (;;) {
      if (generation !== this.generation) return;
      const images = run.methods.get(label);
      const grids = new Set();
      const maps = [];
      for (const [image, steps] of images) {
        for (const record of steps.values()) {
          if (record.settings.geometry) {
            if (!record.grid) grids.add(record.step);
          } else if (record.planes === undefined) maps.push({image, record});
        }
      }
      if (!grids.size && !maps.length) return;
      const near = (step) => (first.includes(step) ? -1e12 : 0) - step;
      if (grids.size) {
        const steps = [...grids].sort((a, b) => near(a) - near(b)).slice(0, STEPS_A_REQUEST);
        const query = {run: run.name, probe: this.probe, label, grids: steps.join(',')};
        const answer = await api.pack('attributions', query);
        if (generation !== this.generation) return;
        const found = new Set(answer.header.images.flatMap((each) => each.records.map((record) => record.step)));
        this.takeMethod(run, label, answer);
        if (!steps.some((step) => found.has(step))) return;
      } else {
        maps.sort((a, b) => near(a.record.step) - near(b.record.step));
        await this.fetchMaps(run, label, maps.slice(0, MAPS_A_REQUEST));
      }
      this.changed();
    }
  }

  async fetchMaps(run, label, wanted) {
    const of = wanted.map(({image, record}) => `${image}:${record.step}:${record.wall}`).join(',');
    const {header, numbers} = await api.pack('maps', {run: run.name, probe: this.probe, label, of});
    this.note(run, header.problems);
    const found = new Map(header.records.map((each) => [`${each.image}:${each.step}`, each]));
    await Promise.all(
      wanted.map(async ({image, record}) => {
        const stored = found.get(`${image}:${record.step}`);
        record.planes = stored ? await planes(stored, numbers) : null;
      }),
    );
  }
}

async function planes(stored, numbers) {
  const count = stored.height * stored.width;
  const bytes = {q8: 1, float16: 2, float32: 4}[stored.precision];
  const read = async ({target, peak, values, special}) => {
    const [plain, marks] = await Promise.all([
      inflate(numbers(values), count * bytes),
      special ? inflate(numbers(special), count) : null,
    ]);
    return {target, peak, values: dequantise(plain, marks, peak, stored.sign, stored.precision)};
  };
  const list = await Promise.all(stored.planes.map(read));
  return {unseen: numbers(stored.unseen), byTarget: new Map(list.map((plane) => [plane.target, plane]))};
}
