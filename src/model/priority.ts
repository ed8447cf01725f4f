/** Apart from the schema of tasks, so that the command line can name them without loading any schema. */
export const PRIORITIES = ['urgent', 'high', 'normal', 'low'] as const;
