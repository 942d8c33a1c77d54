/**
 * Rendezvous hashing (Thaler & Ravishankar, 1998): every gateway that knows the same nodes picks the same one for
 * a key, and when a node goes only its own keys move.
 */
export function rendezvousScore(keyHash: number, nodeHash: number): number {
  return mix(keyHash ^ nodeHash);
}

/** 32-bit FNV-1a over UTF-16 code units, mixed: short similar texts must not land close together. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix(hash);
}

/** The finalizer of MurmurHash3 (public domain, Austin Appleby): every bit in changes every bit out. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
