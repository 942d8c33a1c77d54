import { fileURLToPath } from 'node:url';

/** Absolute path of a file of this package. This module lies one folder below the package, in src and in dist. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
