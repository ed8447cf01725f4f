/**
 * Names that every object has without being given them. A table kept as a plain object, which JSON requires, answers
 * to them with something that nobody put there, and writing to `__proto__` changes what the object is.
 */
const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Whether a name may be a key of a table that is kept as a plain object. */
export const isPlainKey = (name: string): boolean => !INHERITED.has(name);
