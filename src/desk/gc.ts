/** What has had its time, looked at and removed by a person's hand. */
export { type Collection, collect, type GcPlan, planGc } from '../flow/gc.ts';
