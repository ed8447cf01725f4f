export interface BenchRow {
  row: string;
  figure: string;
  baseline: string;
  ratio: number | undefined;
  goal: string;
  met: boolean | undefined;
  method: string;
}
