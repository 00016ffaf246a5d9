/** A layer of a head as data; the last dense layer has one unit for each class. */
export type HeadLayer =
  | {
      readonly type: 'conv2d';
      readonly name?: string | undefined;
      readonly filters: number;
      readonly kernelSize: 1 | 3;
      readonly activation?: 'relu' | 'linear' | undefined;
    }
  | { readonly type: 'max_pool2d' }
  | { readonly type: 'global_average_pool2d' }
  | { readonly type: 'flatten' }
  | { readonly type: 'dropout'; readonly rate: number }
  | {
      readonly type: 'dense';
      readonly name?: string | undefined;
      readonly units: number | 'classes';
      readonly activation?: 'relu' | 'linear' | undefined;
    };
