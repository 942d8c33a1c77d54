/** How a gateway proves itself to its routers, and knows that it talks to one. At least one of the two. */
export interface LinkCredential {
  /** Shared secret of at least 16 characters, sent as `authorization: Bearer …`. */
  readonly token?: string;
  readonly tls?: LinkTls;
}

/** PEM texts. With `certificate` and `key` the gateway proves itself by mTLS. */
export interface LinkTls {
  /** Who signs routers' certificates; default the system's roots. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Name to expect in the router's certificate where it differs from the address. */
  readonly serverName?: string;
}

/** What a router asks of its gateways. */
export interface LinkServerCredential {
  /** Shared secret of at least 16 characters that gateways send. */
  readonly token?: string;
  readonly tls?: LinkServerTls;
}

/** PEM texts. With `clientCa` only gateways whose certificate it signed get in (mTLS). */
export interface LinkServerTls {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa?: string;
}
