/** Where a key stands in its scenario, and which step answers a request. */
import {
  type Fault,
  holds,
  type ModelRequest,
  type Reply,
  type Scenario,
  type StepData,
  type Track,
} from './scenario.ts';

interface Cursor {
  position: number;
  /** Faults of the step at `position` that were served. */
  faults: number;
}

export interface Place {
  scenario: Scenario;
  tracks: Track[];
  /** By track, or by the id of a subagent. */
  cursors: Map<string, Cursor>;
  served: number;
  /** Replies begun; makes ids unique. */
  replies: number;
  memory: Map<string, unknown>;
}

export interface Choice {
  track: number | undefined;
  step: number | undefined;
  violation: string | undefined;
  fault: Fault | undefined;
  what(): Reply | Fault | { missing: string } | Promise<Reply | Fault | { missing: string }>;
  /** Moves to the next step; returns how to take that back. */
  advance(): () => void;
}

export const choose = (place: Place, request: ModelRequest, agent: string | undefined): Choice => {
  const found = place.tracks.findIndex((track) => holds(track.when, request));
  const track = agent === undefined ? place.tracks[found] : (place.scenario.subagent ?? SUBAGENT);
  const none = { track: undefined, step: undefined, violation: undefined, fault: undefined, advance: () => () => {} };
  if (!track) return { ...none, what: () => ({ missing: `No track of "${request.key}" answers this request.` }) };

  const name = agent ?? String(found);
  const cursor = place.cursors.get(name) ?? { position: 0, faults: 0 };
  place.cursors.set(name, cursor);
  if (cursor.position >= track.steps.length && track.after === 'restart') cursor.position = 0;
  const index = track.after === 'repeat-last' ? Math.min(cursor.position, track.steps.length - 1) : cursor.position;
  const step = track.steps[index];
  const at = { track: agent === undefined ? found : undefined, step: index };
  if (!step) {
    const missing = `The scenario "${request.key}" has no step left after ${track.steps.length}.`;
    return { ...none, ...at, what: () => ({ missing }) };
  }

  const fault = typeof step === 'function' ? undefined : faultAt(step.faults ?? [], cursor.faults);
  if (fault) {
    cursor.faults += 1;
    return { ...none, ...at, fault, what: () => fault };
  }
  return {
    ...none,
    ...at,
    violation: typeof step === 'function' ? undefined : violationOf(step, request),
    what: () => (typeof step === 'function' ? step(request) : step),
    advance: () => {
      const before = { ...cursor };
      cursor.position = index + 1;
      cursor.faults = 0;
      place.served += 1;
      return () => {
        if (cursor.position === index + 1 && cursor.faults === 0) Object.assign(cursor, before);
      };
    },
  };
};

const SUBAGENT: Track = { steps: [{ blocks: ['Done.'] }], after: 'repeat-last' };

const faultAt = (faults: Fault[], served: number): Fault | undefined => {
  let before = 0;
  for (const fault of faults) {
    const times = fault.times === 'always' ? Number.POSITIVE_INFINITY : (fault.times ?? 1);
    if (served < before + times) return fault;
    before += times;
  }
  return undefined;
};

const violationOf = (step: StepData, request: ModelRequest): string | undefined => {
  const { expect } = step;
  if (!expect) return undefined;
  const results = request.toolResults;
  const text = results.map((result) => result.text).join('\n');
  if (expect.toolResult !== undefined && !text.includes(expect.toolResult)) {
    return `expected a tool result with ${JSON.stringify(expect.toolResult)}, got ${JSON.stringify(text.slice(0, 500))}`;
  }
  if (expect.toolError !== undefined && expect.toolError !== results.some((result) => result.isError)) {
    return `expected ${expect.toolError ? 'an error' : 'no error'} from the tools, got ${JSON.stringify(text.slice(0, 500))}`;
  }
  return undefined;
};
