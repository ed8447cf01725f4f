import { atSomeMoment, type Fault } from './faults.ts';
import { pause, ROLES } from './world.ts';

/** More than five failures of one role within a quarter of an hour park it, which is right. */
const KILLS = 3;

export const APART: Fault = {
  name: 'apart',
  what: 'each role in a process of its own; SIGKILL of one of them at any moment, three times, each started again',
  setting: { apart: true },
  strike: async (world) => {
    const { random } = world;
    for (let n = 0; n < KILLS; n += 1) {
      await atSomeMoment(world);
      world.acknowledge();
      await world.kill(random.pick(ROLES));
      await pause(random.between(0, 3_000));
      world.start();
    }
  },
};
