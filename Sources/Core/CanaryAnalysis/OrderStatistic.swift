/// The value at a place of a sorted array, without sorting all of it.
enum OrderStatistic {
    /// The value that has `place` smaller or equal ones before it in ascending order, counted from 0.
    ///
    /// Source: Hoare, "Algorithm 65: Find", 1961, with the median of three as pivot.
    static func value<Value: Comparable>(at place: Int, of values: [Value]) -> Value {
        var values = values
        var low = 0
        var high = values.count - 1
        while low < high {
            let middle = low + (high - low) / 2
            if values[middle] < values[low] { values.swapAt(middle, low) }
            if values[high] < values[low] { values.swapAt(high, low) }
            if values[high] < values[middle] { values.swapAt(high, middle) }
            let pivot = values[middle]
            var left = low
            var right = high
            while left <= right {
                while values[left] < pivot { left += 1 }
                while pivot < values[right] { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if place <= right {
                high = right
            } else if place >= left {
                low = left
            } else {
                return values[place]
            }
        }
        return values[place]
    }
}
