import { crc32 } from 'node:zlib';

/** Read without Winnow's own reader: JSON that ends in the checksum of what stands before it. */
export const isTorn = (line: string): boolean => {
  if (line === '') return false;
  const at = line.lastIndexOf(',"crc":"');
  const seal = line.slice(at + 8, at + 16);
  return at < 0 || crc32(line.slice(0, at)).toString(16).padStart(8, '0') !== seal;
};
