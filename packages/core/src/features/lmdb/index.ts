export { DamagedFile, DataFile, type Entry, type Meta } from './data-file.ts';
export { BusyFile, type ReadSnapshot, readSnapshot } from './read.ts';
export { salvageEntries } from './salvage.ts';
export { type EntryListener, findEntry, hasSoundPages } from './snapshot.ts';
